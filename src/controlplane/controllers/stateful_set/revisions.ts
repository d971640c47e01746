/** The two revisions that a StatefulSet is between (pkg/controller/statefulset getStatefulSetRevisions). Pure. */
import { resourceTypes } from "../../../api/resource_types.ts";
import type { ControllerRevision, Pod, StatefulSet } from "../../../model/kubernetes.ts";
import { byRevision, isOf, newRevision, nextRevision, templateOf, templatePatch } from "../history/revisions.ts";
import type { RevisionStep } from "../history/steps.ts";
import { controllerRef } from "../ownership.ts";
import { canonicalJson, fnv32, safeEncode } from "../pods/hash.ts";
import type { PodTemplate } from "../pods/template.ts";
import { revisionNameOf } from "./identity.ts";

const hashLabel = "controller.kubernetes.io/hash";
/** Of a name, so that there is room for the hash. */
const longestPrefix = 223;

export interface Revision {
  readonly name: string;
  readonly template: PodTemplate;
}

export interface Revisions {
  readonly steps: readonly RevisionStep[];
  /** Where the last update that was completed led. */
  readonly current: Revision;
  /** Where the present one leads. */
  readonly update: Revision;
}

export function revisionsOf(set: StatefulSet, revisions: readonly ControllerRevision[]): Revisions {
  const sorted = [...revisions].sort(byRevision);
  const { steps, update } = updateRevision(set, sorted);
  const current = sorted.find(({ metadata }) => metadata.name === set.status?.currentRevision);
  return { steps, update, current: current ? asRevision(set, current) : update };
}

function asRevision(set: StatefulSet, revision: ControllerRevision): Revision {
  return { name: revision.metadata.name, template: templateOf(revision) ?? set.spec.template };
}

/** An older revision of the same template becomes the newest again. */
function updateRevision(set: StatefulSet, sorted: readonly ControllerRevision[]): Pick<Revisions, "steps" | "update"> {
  const equal = sorted.filter((revision) => isOf(revision, set.spec.template)).at(-1);
  if (!equal) return firstOf(set, nextRevision(sorted));
  const isNewest = equal === sorted.at(-1);
  const renumber: RevisionStep = { kind: "update-revision", revision: equal, number: nextRevision(sorted) };
  return { steps: isNewest ? [] : [renumber], update: asRevision(set, equal) };
}

function firstOf(set: StatefulSet, revision: number): Pick<Revisions, "steps" | "update"> {
  const template = set.spec.template;
  const bytes = Buffer.from(canonicalJson(templatePatch(template)) + String(set.status?.collisionCount ?? 0));
  const hash = safeEncode(String(fnv32(bytes)));
  const name = `${set.metadata.name.slice(0, longestPrefix)}-${hash}`;
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  const reference = controllerRef(resourceTypes.statefulSets, set);
  const made = newRevision(set, { name, labels, revision, template, reference });
  return { steps: [{ kind: "create-revision", revision: made }], update: { name, template } };
}

/** Revisions beyond the limit, the oldest first; those in use stay. */
export function truncate(
  set: StatefulSet,
  revisions: readonly ControllerRevision[],
  { current, update }: Revisions,
  pods: readonly Pod[],
): readonly RevisionStep[] {
  const live = new Set([current.name, update.name, ...pods.map(revisionNameOf)]);
  const history = [...revisions].sort(byRevision).filter(({ metadata }) => !live.has(metadata.name));
  const tooMany = Math.max(0, history.length - (set.spec.revisionHistoryLimit ?? 10));
  return history.slice(0, tooMany).map((revision) => ({ kind: "delete-revision", revision }));
}
