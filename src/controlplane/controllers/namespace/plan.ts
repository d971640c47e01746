/**
 * What a namespace that is being deleted needs next (upstream: pkg/controller/namespace/deletion,
 * namespaced_resources_deleter.go). Pure.
 */
import type { Namespace, Pod } from "../../../model/kubernetes.ts";
import { withProgress, type Content, type NamespaceStatus, type Progress } from "./conditions.ts";

/** The finalizer in spec.finalizers that is ours. */
const contentFinalizer = "kubernetes";
/** How long what has finalizers is thought to take, in s. */
const finalizerEstimateSeconds = 15;

export type NamespaceStep =
  | { readonly type: "writeStatus"; readonly status: NamespaceStatus }
  /** Takes our finalizer away: the namespace goes. */
  | { readonly type: "finalize"; readonly finalizers: readonly string[] };

/** Whether what is in the namespace is to be deleted (now). */
export function isOurs({ metadata, spec }: Namespace): boolean {
  return metadata.deletionTimestamp !== undefined && (spec.finalizers ?? []).length > 0;
}

/** @returns the status of one whose deletion nobody noted there, or undefined */
export function terminatingStatus({ metadata, status }: Namespace): NamespaceStatus | undefined {
  if (metadata.deletionTimestamp === undefined || status?.phase === "Terminating") return undefined;
  return { ...status, phase: "Terminating" };
}

/** Pods still run while they shut down: whatever they use stays until the last is gone (KEP-5080). */
export function mayDeleteRest(pods: Content | undefined): boolean {
  return pods === undefined || pods.remaining === 0;
}

export interface NamespacePlan {
  readonly steps: readonly NamespaceStep[];
  readonly againAfterMs?: number;
  /** Tried again with back-off. */
  readonly error?: string;
}

/** @param podSeconds longest grace period of the pods that remain, in s */
export function planNamespace(
  namespace: Namespace,
  progress: Progress,
  podSeconds: number,
  nowMs: number,
): NamespacePlan {
  const steps: NamespaceStep[] = [];
  const before = namespace.status ?? {};
  const status = withProgress(before, progress, nowMs);
  if (status !== before) steps.push({ type: "writeStatus", status });
  const error = firstError(progress);
  if (error !== undefined) return { steps, error };
  const seconds = estimate(namespace, progress.contents, podSeconds, nowMs);
  if (seconds > 0) return { steps, againAfterMs: (Math.floor(seconds / 2) + 1) * 1000 };
  const finalizers = (namespace.spec.finalizers ?? []).filter((name) => name !== contentFinalizer);
  return { steps: [...steps, { type: "finalize", finalizers: [...finalizers].sort() }] };
}

function firstError({ discoveryError, parsingError, contents }: Progress): string | undefined {
  return discoveryError ?? parsingError ?? contents.find(({ error }) => error !== undefined)?.error;
}

/** @returns s until it is worth to look again; 0 where nothing remains */
function estimate(namespace: Namespace, contents: readonly Content[], podSeconds: number, nowMs: number): number {
  const held = contents.some(({ finalizers }) => finalizers.size > 0) ? finalizerEstimateSeconds : 0;
  const hasPods = contents.some((content) => isPods(content) && content.remaining > 0);
  return Math.max(held, hasPods ? graceLeft(namespace, podSeconds, nowMs) : 0);
}

/** @returns the grace period in s, or 0 where the namespace has been going for as long */
export function graceLeft({ metadata }: Namespace, podSeconds: number, nowMs: number): number {
  const goingMs = nowMs - Date.parse(metadata.deletionTimestamp!);
  return goingMs >= podSeconds * 1000 ? 0 : podSeconds;
}

export function isPods({ type }: Pick<Content, "type">): boolean {
  return type.group === "" && type.plural === "pods";
}

/** @returns longest grace period of pods that still run, in s */
export function longestGrace(pods: readonly Pod[]): number {
  const running = pods.filter(({ status }) => status?.phase !== "Succeeded" && status?.phase !== "Failed");
  return Math.max(0, ...running.map(({ spec }) => spec.terminationGracePeriodSeconds ?? 0));
}

/** What is left of a resource that nothing holds should have gone: undefined, or what to say of it. */
export function unexpected(
  namespace: string,
  { type, remaining, finalizers }: Content,
  graceSeconds: number,
): string | undefined {
  if (remaining === 0 || finalizers.size > 0 || graceSeconds > 0) return undefined;
  const gvr = `${type.group}/${type.version}, Resource=${type.plural}`;
  return `unexpected items still remain in namespace: ${namespace} for gvr: ${gvr}`;
}
