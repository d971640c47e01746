/** What a deletion does to an object: it goes at once, or is marked and waits (apiserver's BeforeDelete). */
import type { ApiObject, Resource } from "../resources/resource.ts";
import { timestamp } from "../../../model/timestamp.ts";

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
  const finalizers = finalizersFor(resource, current, options);
  const isMarked = current.metadata.deletionTimestamp !== undefined;
  const mark = isMarked ? shortened(current, options) : firstMark(resource, current, options, nowMs);
  if (finalizers.length === 0 && mark.seconds === 0 && !isHeld(resource, current)) return "gone";
  if (isMarked && mark.isSame && sameItems(finalizers, current.metadata.finalizers ?? [])) return "marked already";
  const object = structuredClone(current);
  const { metadata } = object;
  metadata.deletionTimestamp = mark.timestamp;
  if (!isNamespace(resource)) metadata.deletionGracePeriodSeconds = mark.seconds;
  if (finalizers.length > 0) metadata.finalizers = finalizers;
  else delete metadata.finalizers;
  if (metadata.generation !== undefined && !isMarked) metadata.generation++;
  if (isNamespace(resource)) object["status"] = { ...(object["status"] as object), phase: "Terminating" };
  return object;
}

/** Whether an object that is marked as deleted waits for nothing any more. */
export function isReleased(resource: Resource, object: ApiObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  if (deletionTimestamp === undefined || (deletionGracePeriodSeconds ?? 0) > 0) return false;
  return (finalizers ?? []).length === 0 && !isHeld(resource, object);
}

/** A namespace has finalizers in its spec too, which only its /finalize takes away. */
function isHeld(resource: Resource, object: ApiObject): boolean {
  if (!isNamespace(resource)) return false;
  return ((object["spec"] as { finalizers?: readonly string[] } | undefined)?.finalizers ?? []).length > 0;
}

function isNamespace({ group, kind }: Resource): boolean {
  return group === "" && kind === "Namespace";
}

interface Mark {
  readonly seconds: number;
  readonly timestamp: string;
  /** It is the one that the object has. */
  readonly isSame: boolean;
}

function firstMark(resource: Resource, current: ApiObject, options: DeleteOptions, nowMs: number): Mark {
  const seconds = gracePeriod(resource, current, options);
  return { seconds, timestamp: timestamp(nowMs + seconds * 1000), isSame: false };
}

/** A grace period only ever gets shorter, counted from when the object was marked. */
function shortened({ metadata }: ApiObject, { gracePeriodSeconds }: DeleteOptions): Mark {
  const before = metadata.deletionGracePeriodSeconds ?? 0;
  const seconds = positive(gracePeriodSeconds ?? before);
  if (seconds >= before) return { seconds: before, timestamp: metadata.deletionTimestamp!, isSame: true };
  const markedMs = Date.parse(metadata.deletionTimestamp!) - before * 1000;
  return { seconds, timestamp: timestamp(markedMs + seconds * 1000), isSame: false };
}

/** Negative ones are as good as a second. */
function positive(seconds: number): number {
  return seconds < 0 ? 1 : seconds;
}

/** Pods alone have one, in seconds: 0 where no node runs them (pkg/registry/core/pod, CheckGracefulDelete). */
function gracePeriod(resource: Resource, current: ApiObject, options: DeleteOptions): number {
  if (resource.group !== "" || resource.kind !== "Pod") return 0;
  const spec = current["spec"] as { nodeName?: string; terminationGracePeriodSeconds?: number } | undefined;
  const phase = (current["status"] as { phase?: string } | undefined)?.phase;
  if (!spec?.nodeName || phase === "Succeeded" || phase === "Failed") return 0;
  return positive(options.gracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 0);
}

function finalizersFor(resource: Resource, current: ApiObject, options: DeleteOptions): string[] {
  const others = (current.metadata.finalizers ?? []).filter((f) => f !== orphanFinalizer && f !== foregroundFinalizer);
  const policy = policyOf(resource, current, options);
  const wanted = policy === undefined ? others : [...others, policy];
  // Once: what is marked already may have been cleaned up.
  if (current.metadata.deletionTimestamp !== undefined) return wanted;
  return [...new Set([...wanted, ...(resource.strategy.deletionFinalizers ?? [])])];
}

/** The finalizer of a policy: the deletion's own, else the one that the object has, else its kind's. */
function policyOf({ strategy }: Resource, { metadata }: ApiObject, options: DeleteOptions): string | undefined {
  if (strategy.dependents === "unsupported") return undefined;
  const { orphanDependents, propagationPolicy } = options;
  if (orphanDependents !== undefined) return orphanDependents ? orphanFinalizer : undefined;
  if (propagationPolicy === "Orphan") return orphanFinalizer;
  if (propagationPolicy === "Foreground") return foregroundFinalizer;
  if (propagationPolicy === "Background") return undefined;
  const had = (metadata.finalizers ?? []).find((f) => f === orphanFinalizer || f === foregroundFinalizer);
  return had ?? (strategy.dependents === "orphan" ? orphanFinalizer : undefined);
}

function sameItems(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item));
}
