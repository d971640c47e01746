/** What the forwarder tells of its work; metrics are made of it. */
import type { CacheKind } from "./cache.ts";
import type { UpstreamAddress } from "./decode.ts";

export interface ForwardObserver {
  /** Somebody has asked. @param kind what was in the cache; undefined: nothing */
  cached(kind: CacheKind | undefined): void;
  answered(server: UpstreamAddress, rcode: number, seconds: number): void;
  failed(server: UpstreamAddress): void;
  /** Too many were on their way. */
  rejected(): void;
}
