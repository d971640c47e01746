/** What a relay has counted, beside what the kernel's rules have. Pure. */
import type { FrontendCount, RelayedCount } from "../../model/service.ts";
import { relayKeys } from "../modes/userspace/render.ts";

/** @param relayed by the relay's keys */
export function withRelayed(
  counts: readonly FrontendCount[],
  relayed: ReadonlyMap<string, RelayedCount>,
): readonly FrontendCount[] {
  return counts.map((count) => {
    const found = relayKeys(count).flatMap((key) => relayed.get(key) ?? []);
    return found.length === 0 ? count : { ...count, relayed: found.reduce(sum) };
  });
}

/** Of the same frontend's two scopes. */
function sum(one: RelayedCount, other: RelayedCount): RelayedCount {
  return {
    connections: one.connections + other.connections,
    refused: one.refused + other.refused,
    retries: one.retries + other.retries,
    bytesIn: one.bytesIn + other.bytesIn,
    bytesOut: one.bytesOut + other.bytesOut,
    dropped: one.dropped + other.dropped,
  };
}
