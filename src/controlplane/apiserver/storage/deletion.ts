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
  const finalizers = finalizersFor(resource, current, options);
  const isMarked = current.metadata.deletionTimestamp !== undefined;
  const mark = isMarked ? shortened(resource, current, options) : firstMark(resource, current, options, nowMs);
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
function shortened(resource: Resource, current: ApiObject, options: DeleteOptions): Mark {
  const { metadata } = current;
  const before = metadata.deletionGracePeriodSeconds ?? 0;
  const same = { seconds: before, timestamp: metadata.deletionTimestamp!, isSame: true };
  if (options.gracePeriodSeconds === undefined) return same;
  const seconds = gracePeriod(resource, current, options);
  if (seconds >= before) return same;
  const markedMs = Date.parse(metadata.deletionTimestamp!) - before * 1000;
  return { seconds, timestamp: timestamp(markedMs + seconds * 1000), isSame: false };
}

/** Pods alone have one, in seconds: 0 where no node runs them (pkg/registry/core/pod, CheckGracefulDelete). */
function gracePeriod(resource: Resource, current: ApiObject, options: DeleteOptions): number {
  if (resource.group !== "" || resource.kind !== "Pod") return 0;
  const spec = current["spec"] as { nodeName?: string; terminationGracePeriodSeconds?: number } | undefined;
  const phase = (current["status"] as { phase?: string } | undefined)?.phase;
  if (!spec?.nodeName || phase === "Succeeded" || phase === "Failed") return 0;
  const seconds = options.gracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30;
  return seconds < 0 ? 1 : seconds;
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
