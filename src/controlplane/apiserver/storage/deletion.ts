/** What a deletion does to an object: it goes at once, or is marked and waits (apiserver's BeforeDelete). */
import type { ApiObject, Resource } from "../resources/resource.ts";
import { timestamp } from "./timestamp.ts";

/** meta/v1 DeleteOptions. */
export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly propagationPolicy?: "Orphan" | "Background" | "Foreground";
  /** The older form of Orphan. */
  readonly orphanDependents?: boolean;
}

const orphanFinalizer = "orphan";
const foregroundFinalizer = "foregroundDeletion";

/**
 * @returns "gone" where nothing holds the object, else the object as it is to be stored
 */
export function deletionOf(
  resource: Resource,
  current: ApiObject,
  options: DeleteOptions,
  nowMs: number,
): ApiObject | "gone" | "marked already" {
  const grace = gracePeriod(resource, current, options);
  const finalizers = finalizersFor(resource, current, options);
  const { metadata } = current;
  if (finalizers.length === 0 && grace === 0) return "gone";
  const graceBefore = metadata.deletionGracePeriodSeconds;
  const isMarked = metadata.deletionTimestamp !== undefined;
  // A grace period only ever gets shorter.
  if (
    isMarked &&
    graceBefore !== undefined &&
    grace >= graceBefore &&
    sameItems(finalizers, metadata.finalizers ?? [])
  ) {
    return "marked already";
  }
  const object = structuredClone(current);
  const seconds = graceBefore === undefined ? grace : Math.min(grace, graceBefore);
  object.metadata.deletionTimestamp = timestamp(nowMs + seconds * 1000);
  object.metadata.deletionGracePeriodSeconds = seconds;
  if (finalizers.length > 0) object.metadata.finalizers = finalizers;
  else delete object.metadata.finalizers;
  if (object.metadata.generation !== undefined && !isMarked) object.metadata.generation++;
  return object;
}

/** Pods alone have one: 0 where no node runs them. */
function gracePeriod(resource: Resource, current: ApiObject, options: DeleteOptions): number {
  if (resource.group !== "" || resource.kind !== "Pod") return 0;
  const spec = current["spec"] as { nodeName?: string; terminationGracePeriodSeconds?: number } | undefined;
  const phase = (current["status"] as { phase?: string } | undefined)?.phase;
  if (!spec?.nodeName || phase === "Succeeded" || phase === "Failed") return 0;
  return Math.max(options.gracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30, 0);
}

function finalizersFor(resource: Resource, current: ApiObject, options: DeleteOptions): string[] {
  const wanted = finalizersByPolicy(current, options);
  // Once: what is marked already may have been cleaned up.
  if (current.metadata.deletionTimestamp !== undefined) return wanted;
  return [...new Set([...wanted, ...(resource.strategy.deletionFinalizers ?? [])])];
}

function finalizersByPolicy(current: ApiObject, options: DeleteOptions): string[] {
  const others = (current.metadata.finalizers ?? []).filter((f) => f !== orphanFinalizer && f !== foregroundFinalizer);
  const had = current.metadata.finalizers ?? [];
  if (options.propagationPolicy === "Orphan" || options.orphanDependents === true) return [...others, orphanFinalizer];
  if (options.propagationPolicy === "Foreground") return [...others, foregroundFinalizer];
  if (options.propagationPolicy === "Background" || options.orphanDependents === false) return others;
  return had;
}

function sameItems(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item));
}
