/** Which rollout a ReplicaSet is of, in annotations (pkg/controller/deployment/util). Pure. */
import type { Deployment, ReplicaSet } from "../../../model/kubernetes.ts";
import { maxSurge, sizeOf } from "./bounds.ts";

export const revisionAnnotation = "deployment.kubernetes.io/revision";
const historyAnnotation = "deployment.kubernetes.io/revision-history";
const desiredAnnotation = "deployment.kubernetes.io/desired-replicas";
const maxAnnotation = "deployment.kubernetes.io/max-replicas";

/** What concerns the deployment alone. */
const notCopied: ReadonlySet<string> = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  "deprecated.deployment.rollback.to",
]);

/** Characters of former revisions that are kept. */
const longestHistory = 2000;

type Annotations = Readonly<Record<string, string>>;

/** Undefined where the annotation is no number; 0 where there is none. */
export function revisionOf({ metadata }: ReplicaSet): number | undefined {
  return numberOf(metadata.annotations?.[revisionAnnotation] ?? "0");
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

/** The revision of a ReplicaSet that comes after these. */
export function nextRevision(old: readonly ReplicaSet[]): number {
  return 1 + old.reduce((max, set) => Math.max(max, revisionOf(set) ?? 0), 0);
}

/**
 * What the deployment's new ReplicaSet should carry: the deployment's annotations and the revision. One
 * that becomes the newest again keeps the revisions that it had.
 */
export function newestAnnotations({ metadata }: Deployment, own: Annotations, revision: number): Annotations {
  const copied = Object.entries(metadata.annotations ?? {}).filter(([key]) => !notCopied.has(key));
  const wanted = { ...own, ...Object.fromEntries(copied) };
  const before = own[revisionAnnotation];
  const was = before ? numberOf(before) : 0;
  if (was === undefined || was >= revision) return wanted;
  const renewed = { ...wanted, [revisionAnnotation]: String(revision) };
  return before === undefined ? renewed : { ...renewed, ...formerRevisions(own[historyAnnotation], before) };
}

function formerRevisions(history: string | undefined, former: string): Annotations {
  if (!history) return { [historyAnnotation]: former };
  const kept = history.split(",");
  let length = history.length + former.length + 1;
  while (length > longestHistory && kept.length > 0) length -= kept.shift()!.length + 1;
  return length <= longestHistory ? { [historyAnnotation]: [...kept, former].join(",") } : {};
}

/** What a ReplicaSet should know of its deployment's size: by it a scaling is told from a rollout. */
export function sizeAnnotations(deployment: Deployment): Annotations {
  const size = sizeOf(deployment);
  return { [desiredAnnotation]: String(size), [maxAnnotation]: String(size + maxSurge(deployment)) };
}

export function desiredReplicas({ metadata }: ReplicaSet): number | undefined {
  return numberOf(metadata.annotations?.[desiredAnnotation]);
}

export function maxReplicas({ metadata }: ReplicaSet): number | undefined {
  return numberOf(metadata.annotations?.[maxAnnotation]);
}

/** @returns those that are not so yet; undefined where all are */
export function missingAnnotations({ metadata }: ReplicaSet, wanted: Annotations): Annotations | undefined {
  const missing = Object.entries(wanted).filter(([key, value]) => metadata.annotations?.[key] !== value);
  return missing.length === 0 ? undefined : Object.fromEntries(missing);
}
