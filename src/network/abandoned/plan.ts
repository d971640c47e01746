/** Which attachments nobody will delete any more. Pure. */
import type { PodAttachment } from "../state/detail.ts";

export interface Seen {
  /** Links of pods that the kernel has. */
  readonly links: ReadonlySet<string>;
  /** Sandboxes that the runtime knows, ready or not; undefined: it is not asked, or does not answer. */
  readonly sandboxes: ReadonlySet<string> | undefined;
}

/** Why an attachment is of nobody; undefined: it is somebody's, or that is not known. */
export function whyAbandoned(attachment: PodAttachment, { links, sandboxes }: Seen): string | undefined {
  const { isReady, hostLink, containerId, detail } = attachment;
  if (!isReady) return "it was never finished";
  if (!links.has(hostLink)) return "its link is gone";
  // Others than the CRI's runtime may use the plugin too (nerdctl, podman): they name no pod.
  const isOfCri = detail.pod.name !== "";
  if (isOfCri && sandboxes && !sandboxes.has(containerId)) return "the runtime does not know its sandbox";
  return undefined;
}

/** When each was first seen to be abandoned, in ms since 1970, by {@link keyOf}. */
export type Since = ReadonlyMap<string, number>;

export function keyOf({ network, containerId, ifName }: PodAttachment): string {
  return JSON.stringify([network, containerId, ifName]);
}

/** @returns those that are abandoned now: one that somebody has again begins anew */
export function planSince(before: Since, attachments: readonly PodAttachment[], seen: Seen, nowMs: number): Since {
  const abandoned = attachments.filter((attachment) => whyAbandoned(attachment, seen) !== undefined);
  return new Map(abandoned.map((one) => [keyOf(one), before.get(keyOf(one)) ?? nowMs]));
}
