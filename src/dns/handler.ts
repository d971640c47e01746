/** Bytes of a question → bytes of an answer. */
import { decodeQuery, type Query } from "./wire/decode.ts";
import { rcodes } from "./wire/numbers.ts";
import { emptyBody, limitOf, renderFormErr, renderResponse, type Body } from "./wire/render.ts";
import type { Resolved, Resolver } from "./resolver.ts";

export type Transport = "udp" | "tcp";

export interface Served {
  readonly query: Query | undefined;
  readonly resolved: Resolved | undefined;
  readonly rcode: number;
  readonly transport: Transport;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly startMs: number;
}

export interface HandlerOptions {
  readonly resolver: Resolver;
  readonly onServed: (served: Served) => void;
  /** Monotonic, in ms. */
  readonly tick: () => number;
}

export class Handler {
  readonly #options: HandlerOptions;
  #turn = 0;

  constructor(options: HandlerOptions) {
    this.#options = options;
  }

  /** Calls back at once where nobody else has to be asked, and never where the bytes deserve no answer. */
  handle(bytes: Buffer, transport: Transport, reply: (response: Buffer) => void): void {
    const startMs = this.#options.tick();
    const query = decodeQuery(bytes);
    if (!query) return;
    const known = { transport, requestBytes: bytes.length, startMs };
    if ("malformed" in query) {
      const response = renderFormErr(query);
      const rcode = rcodes.FORMERR;
      this.#options.onServed({
        ...known,
        query: undefined,
        resolved: undefined,
        rcode,
        responseBytes: response.length,
      });
      return reply(response);
    }
    const resolved = this.#options.resolver.resolve(query);
    const finish = (body: Body): void => {
      const response = renderResponse(query, body, limitOf(query, transport), this.#turn++);
      this.#options.onServed({ ...known, query, resolved, rcode: body.rcode, responseBytes: response.length });
      reply(response);
    };
    if (resolved.body instanceof Promise) {
      void resolved.body.then(finish, () => finish(emptyBody(rcodes.SERVFAIL)));
    } else finish(resolved.body);
  }
}
