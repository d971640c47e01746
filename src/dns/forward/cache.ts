/** Other servers' answers, for as long as they hold and at most so many: the one that was used longest ago makes room. */
import type { Body } from "../wire/render.ts";
import type { UpstreamAnswer } from "./decode.ts";

export interface CacheOptions {
  /** Answers of either kind; CoreDNS's default is 9984. */
  readonly capacity: number;
  /** However long an answer holds, in seconds; kubeadm's Corefile has 30. */
  readonly maxTtlSeconds: number;
  /** In ms. */
  readonly now: () => number;
}

interface Entry {
  readonly answer: UpstreamAnswer;
  readonly storedAt: number;
  readonly until: number;
}

/** As CoreDNS names them in its metrics. */
export type CacheKind = "success" | "denial";

export class AnswerCache {
  readonly #options: CacheOptions;
  readonly #kinds: Record<CacheKind, Map<string, Entry>> = { success: new Map(), denial: new Map() };

  constructor(options: CacheOptions) {
    this.#options = options;
  }

  size(kind: CacheKind): number {
    return this.#kinds[kind].size;
  }

  get(key: string): { readonly body: Body; readonly kind: CacheKind } | undefined {
    for (const kind of ["success", "denial"] as const) {
      const entries = this.#kinds[kind];
      const entry = entries.get(key);
      if (!entry) continue;
      entries.delete(key);
      const now = this.#options.now();
      if (now >= entry.until) continue;
      // At the end of the map: used last.
      entries.set(key, entry);
      return { body: aged(entry.answer, Math.floor((now - entry.storedAt) / 1000)), kind };
    }
    return undefined;
  }

  set(key: string, answer: UpstreamAnswer): void {
    const { capacity, maxTtlSeconds, now } = this.#options;
    if (answer.ttl === 0 || maxTtlSeconds === 0 || answer.isTruncated) return;
    const { rcode, counts } = answer.body;
    const entries = this.#kinds[rcode === 0 && counts[0] > 0 ? "success" : "denial"];
    const storedAt = now();
    entries.delete(key);
    entries.set(key, { answer, storedAt, until: storedAt + Math.min(answer.ttl, maxTtlSeconds) * 1000 });
    if (entries.size > capacity) entries.delete(entries.keys().next().value!);
  }
}

function aged({ body, ttlPlaces }: UpstreamAnswer, seconds: number): Body {
  if (seconds === 0) return body;
  const records = Buffer.from(body.records);
  for (const at of ttlPlaces) records.writeUInt32BE(Math.max(0, records.readUInt32BE(at) - seconds), at);
  return { ...body, records };
}
