/** A deployment's ReplicaSets: which is the new one, and what a new one is (pkg/controller/deployment/util). Pure. */
import { resourceTypes } from "../../../api/resource_types.ts";
import type { Deployment, New, ReplicaSet } from "../../../model/kubernetes.ts";
import { controllerRef } from "../ownership.ts";
import { templateHash } from "../pods/hash.ts";
import { sameTemplates } from "../pods/template.ts";
import { sizeOf } from "./bounds.ts";
import { revisionOf } from "./revisions.ts";

const hashLabel = "pod-template-hash";

export interface Sets {
  /** The one whose template is the deployment's. */
  readonly newest: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
}

/** Of several with the deployment's template the oldest is the new one. */
export function sortOut({ spec }: Deployment, sets: readonly ReplicaSet[]): Sets {
  const sorted = [...sets].sort(olderFirst);
  const newest = sorted.find((set) => sameTemplates(set.spec.template ?? {}, spec.template));
  return { newest, old: sorted.filter((set) => set !== newest) };
}

export function allOf({ newest, old }: Sets): readonly ReplicaSet[] {
  return newest ? [...old, newest] : old;
}

export const isActiveSet = (set: ReplicaSet): boolean => sizeOf(set) > 0;

export function olderFirst(a: ReplicaSet, b: ReplicaSet): number {
  const [one, other] = [a.metadata, b.metadata];
  if (one.creationTimestamp !== other.creationTimestamp) {
    return one.creationTimestamp < other.creationTimestamp ? -1 : 1;
  }
  return one.name < other.name ? -1 : one.name > other.name ? 1 : 0;
}

export const largerThenOlderFirst = (a: ReplicaSet, b: ReplicaSet): number => sizeOf(b) - sizeOf(a) || olderFirst(a, b);

export const largerThenNewerFirst = (a: ReplicaSet, b: ReplicaSet): number => sizeOf(b) - sizeOf(a) || olderFirst(b, a);

export const byRevision = (a: ReplicaSet, b: ReplicaSet): number =>
  (revisionOf(a) ?? 0) - (revisionOf(b) ?? 0) || olderFirst(a, b);

/** The one active ReplicaSet, or where none is active the newest; undefined where several are. */
export function activeOrLatest({ newest, old }: Sets): ReplicaSet | undefined {
  const active = allOf({ newest, old }).filter(isActiveSet);
  if (active.length > 1) return undefined;
  return active[0] ?? newest ?? [...old].sort(olderFirst).at(-1);
}

/** A ReplicaSet of the deployment's template, which the hash of it keeps apart from the others. */
export function newSet(
  deployment: Deployment,
  size: number,
  annotations: Readonly<Record<string, string>>,
): New<ReplicaSet> & { readonly metadata: { readonly name: string } } {
  const { metadata, spec, status } = deployment;
  const template = spec.template;
  const hash = templateHash(template, status?.collisionCount);
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  const selector = { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [hashLabel]: hash } };
  return {
    metadata: {
      name: `${metadata.name}-${hash}`,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      labels,
      annotations,
      ownerReferences: [controllerRef(resourceTypes.deployments, deployment)],
    },
    spec: {
      replicas: size,
      ...(spec.minReadySeconds === undefined ? {} : { minReadySeconds: spec.minReadySeconds }),
      selector,
      template: { ...spec.template, metadata: { ...template.metadata, labels } },
    },
  };
}
