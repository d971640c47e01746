/** What one name has. It is made anew when its Service changes, and with it what was encoded of it. */
import type { Answer } from "dns-packet";
import type { Query } from "../wire/decode.ts";
import { types } from "../wire/numbers.ts";
import { renderBody, type Body } from "../wire/render.ts";

export interface SrvTarget {
  readonly target: string;
  readonly port: number;
  readonly addresses: RecordSet;
}

interface Single {
  readonly cname?: string;
  readonly txt?: string;
  readonly ns?: string;
  readonly ptr?: readonly string[];
  readonly addresses?: readonly string[];
}

/** CoreDNS's default, in seconds. */
export const ttlSeconds = 5;

export class RecordSet {
  readonly a = new Set<string>();
  readonly aaaa = new Set<string>();
  readonly srv = new Map<string, SrvTarget>();
  readonly cname: string | undefined;
  readonly #single: Single;
  readonly #bodies = new Map<number, Body | undefined>();

  constructor(single: Single) {
    this.#single = single;
    this.cname = single.cname;
    for (const ip of single.addresses ?? []) (ip.includes(":") ? this.aaaa : this.a).add(ip);
  }

  /** @returns undefined: the name is there, but not with this type */
  body(query: Pick<Query, "name" | "type" | "question">): Body | undefined {
    const { name, type } = query;
    if (this.#bodies.has(type)) return this.#bodies.get(type);
    const answers = this.#answers(name, type);
    const additional = type === types.SRV ? this.#targets() : [];
    const question = { name, nameBytes: query.question.length - 4 };
    const body = answers.length === 0 ? undefined : renderBody(question, 0, { answers, additional });
    // Types that are not there cost no memory, whatever a client asks for.
    if (body) this.#bodies.set(type, body);
    return body;
  }

  #answers(name: string, type: number): Answer[] {
    const head = { name, ttl: ttlSeconds };
    const { txt, ns, ptr = [] } = this.#single;
    switch (type) {
      case types.A:
        return [...this.a].map((data) => ({ ...head, type: "A", data }));
      case types.AAAA:
        return [...this.aaaa].map((data) => ({ ...head, type: "AAAA", data }));
      case types.SRV:
        return this.#srvs(head);
      case types.PTR:
        return ptr.map((data) => ({ ...head, type: "PTR", data }));
      case types.CNAME:
        return this.cname === undefined ? [] : [{ ...head, type: "CNAME", data: this.cname }];
      case types.TXT:
        return txt === undefined ? [] : [{ ...head, type: "TXT", data: txt }];
      case types.NS:
        return ns === undefined ? [] : [{ ...head, type: "NS", data: ns }];
      default:
        return [];
    }
  }

  /** Each has the same part of 100, as CoreDNS gives it. */
  #srvs(head: { readonly name: string; readonly ttl: number }): Answer[] {
    const weight = Math.max(1, Math.floor(100 / this.srv.size));
    const data = (target: string, port: number) => ({ target, port, priority: 0, weight });
    return [...this.srv.values()].map(({ target, port }) => ({ ...head, type: "SRV", data: data(target, port) }));
  }

  #targets(): Answer[] {
    const targets = new Map([...this.srv.values()].map(({ target, addresses }) => [target, addresses]));
    return [...targets].flatMap(([name, { a, aaaa }]) => [
      ...[...a].map((data): Answer => ({ name, ttl: ttlSeconds, type: "A", data })),
      ...[...aaaa].map((data): Answer => ({ name, ttl: ttlSeconds, type: "AAAA", data })),
    ]);
  }
}
