/** Why no node fits, in upstream's words (pkg/scheduler/framework FitError). */
import type { Rejection } from "./plugin.ts";

export interface Diagnosis {
  readonly nodeCount: number;
  /** Node's name → its rejection. */
  readonly rejections: ReadonlyMap<string, Rejection>;
  /** Of nodes that are not among the rejections. */
  readonly absent: Rejection | undefined;
  /** A filter rejected the pod before any node was looked at. */
  readonly preFilterMessage?: string;
  /** Names of the plugins that rejected the pod on any node. */
  readonly plugins: ReadonlySet<string>;
}

export const noNodes = "no nodes available to schedule pods";

/** @param postFilterMessage what preemption had to say */
export function fitErrorMessage(
  { nodeCount, rejections, absent, preFilterMessage }: Omit<Diagnosis, "plugins">,
  postFilterMessage = "",
): string {
  let message = `0/${nodeCount} nodes are available:`;
  if (preFilterMessage !== undefined) {
    message += ` ${preFilterMessage}.`;
  } else {
    const reasons = reasonCounts(rejections.values());
    for (const reason of absent?.reasons ?? []) {
      const nodes = nodeCount - rejections.size;
      if (nodes > 0) reasons.set(reason, (reasons.get(reason) ?? 0) + nodes);
    }
    const texts = [...reasons].map(([reason, nodes]) => `${nodes} ${reason}`).sort(byBytes);
    if (texts.length > 0) message += ` ${texts.join(", ")}.`;
  }
  return postFilterMessage === "" ? message : `${message} ${postFilterMessage}`;
}

function reasonCounts(rejections: Iterable<Rejection>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { reasons } of rejections) {
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return counts;
}

function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
