/** staticPodURL: the pods of a URL, asked again and again (pkg/kubelet/config/http.go). */
import { messageOf } from "../../errors/message.ts";
import { timestamp } from "../../model/timestamp.ts";
import { Periodic } from "../../reconcile/periodic.ts";
import type { SourceOptions } from "./file_source.ts";

/** Bound of one answer, in ms and bytes. */
const timeoutMs = 10_000;
const maxBytes = 10 << 20;

export interface UrlOptions extends SourceOptions {
  readonly headers: Readonly<Record<string, readonly string[]>>;
}

export class UrlSource {
  readonly #url: string;
  readonly #options: UrlOptions;
  #text: string | undefined;
  #failure = "";
  readonly #loop: Periodic;
  readonly #abort = new AbortController();

  constructor(url: string, options: UrlOptions) {
    this.#url = url;
    this.#options = options;
    this.#loop = new Periodic(options.clock, () => this.#turn());
  }

  start(): void {
    void this.#loop.start();
  }

  stop(): void {
    this.#abort.abort();
    this.#loop.stop();
  }

  async #turn(): Promise<number> {
    const { periodMs, onError } = this.#options;
    try {
      await this.#ask();
      this.#failure = "";
    } catch (error) {
      // One that stays is told once.
      const failure = messageOf(error);
      if (failure !== this.#failure && !this.#abort.signal.aborted) onError("read pods from a URL", error);
      this.#failure = failure;
    }
    return periodMs;
  }

  async #ask(): Promise<void> {
    const { nodeName, clock, onPods, headers } = this.#options;
    const text = await this.#body(headers);
    if (text === this.#text) return;
    const { podsOfUrl } = await import("./manifest.ts");
    const pods = podsOfUrl(text, { kind: "http", place: this.#url, nodeName, seen: timestamp(clock.now()) });
    this.#text = text;
    onPods(pods);
  }

  async #body(headers: UrlOptions["headers"]): Promise<string> {
    const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(timeoutMs)]);
    const lines = Object.entries(headers).flatMap(([name, values]) =>
      values.map((value): [string, string] => [name, value]),
    );
    const answer = await fetch(this.#url, { headers: lines, signal });
    const bytes = await bounded(answer, this.#url);
    if (!answer.ok) throw new Error(`${this.#url}: ${answer.status} ${answer.statusText}`);
    if (bytes.length === 0) throw new Error(`zero-length data received from ${this.#url}`);
    return bytes.toString();
  }
}

async function bounded({ body }: Response, url: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
    size += part.length;
    if (size > maxBytes) throw new Error(`${url}: more than ${maxBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
