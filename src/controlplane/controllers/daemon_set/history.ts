/** A DaemonSet's revisions (pkg/controller/daemon constructHistory, cleanupHistory). Pure. */
import { resourceTypes } from "../../../api/resource_types.ts";
import type { ControllerRevision, DaemonSet, Pod } from "../../../model/kubernetes.ts";
import { byRevision, isOf, newRevision, nextRevision, revisionLabel } from "../history/revisions.ts";
import type { RevisionStep } from "../history/steps.ts";
import { controllerRef } from "../ownership.ts";
import { templateHash } from "../pods/hash.ts";

export type HistoryStep = RevisionStep | { readonly kind: "label-pod"; readonly pod: Pod; readonly hash: string };

export interface History {
  readonly steps: readonly HistoryStep[];
  /** Of the present template. */
  readonly hash: string;
  readonly old: readonly ControllerRevision[];
}

const hashOf = ({ metadata }: ControllerRevision): string => metadata.labels?.[revisionLabel] ?? metadata.name;

export function history(set: DaemonSet, revisions: readonly ControllerRevision[], pods: readonly Pod[]): History {
  const current = revisions.filter((revision) => isOf(revision, set.spec.template));
  const old = revisions.filter((revision) => !current.includes(revision));
  const number = nextRevision(old);
  const kept = [...current].sort(byRevision).at(-1);
  if (!kept) return first(set, old, number);
  const hash = hashOf(kept);
  const steps: HistoryStep[] = [];
  for (const revision of revisions) {
    if (revision.metadata.labels?.[revisionLabel] !== undefined) continue;
    steps.push({ kind: "update-revision", revision, labels: { [revisionLabel]: revision.metadata.name } });
  }
  if (kept.revision < number) steps.push({ kind: "update-revision", revision: kept, number });
  return { steps: [...steps, ...withoutTwins(current, kept, pods, hash)], hash, old };
}

/** No two revisions of one template: their pods are the one's that is kept. */
function withoutTwins(
  current: readonly ControllerRevision[],
  kept: ControllerRevision,
  pods: readonly Pod[],
  hash: string,
): readonly HistoryStep[] {
  const twins = current.filter((revision) => revision !== kept);
  if (twins.length === 0) return [];
  const relabelled = pods.filter(({ metadata }) => metadata.labels?.[revisionLabel] !== hash);
  return [
    ...relabelled.map((pod) => ({ kind: "label-pod", pod, hash }) as const),
    ...twins.map((revision) => ({ kind: "delete-revision", revision }) as const),
  ];
}

function first(set: DaemonSet, old: readonly ControllerRevision[], revision: number): History {
  const template = set.spec.template;
  const hash = templateHash(template, set.status?.collisionCount);
  const made = newRevision(set, {
    name: `${set.metadata.name}-${hash}`,
    labels: { ...template.metadata?.labels, [revisionLabel]: hash },
    revision,
    template,
    reference: controllerRef(resourceTypes.daemonSets, set),
  });
  return { steps: [{ kind: "create-revision", revision: made }], hash, old };
}

/** Revisions beyond the limit, the oldest first; those that pods are of stay. */
export function cleanUp(
  set: DaemonSet,
  old: readonly ControllerRevision[],
  pods: readonly Pod[],
): readonly RevisionStep[] {
  const tooMany = old.length - (set.spec.revisionHistoryLimit ?? 10);
  if (tooMany <= 0) return [];
  const live = new Set(pods.map(({ metadata }) => metadata.labels?.[revisionLabel]));
  return [...old]
    .sort(byRevision)
    .filter((revision) => !live.has(revision.metadata.labels?.[revisionLabel]))
    .slice(0, tooMany)
    .map((revision) => ({ kind: "delete-revision", revision }));
}
