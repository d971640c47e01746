/** What a StatefulSet does next (pkg/controller/statefulset updateStatefulSet). Pure. */
import type { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet } from "../../../model/kubernetes.ts";
import { nextAvailableInMs } from "../pods/state.ts";
import { revisionNameOf } from "./identity.ts";
import { condemnedStage, placesOf, replicaStage } from "./replicas.ts";
import { revisionsOf, truncate, type Revisions } from "./revisions.ts";
import { statusOf, type StatefulSetStatus } from "./status.ts";
import type { Step } from "./steps.ts";
import { updateTargets } from "./update.ts";

export interface Observed {
  readonly set: StatefulSet;
  /** The set's own, by owner and name. */
  readonly pods: readonly Pod[];
  readonly revisions: readonly ControllerRevision[];
  /** A claim of the set's namespace. */
  readonly claim: (name: string) => PersistentVolumeClaim | undefined;
}

export interface Plan {
  readonly steps: readonly Step[];
  readonly status: StatefulSetStatus;
  readonly againAfterMs?: number;
}

export function plan({ set, pods, revisions, claim }: Observed, nowMs: number): Plan {
  const known = revisionsOf(set, revisions);
  const { steps, updating } = podSteps({ set, pods, claim }, known, nowMs);
  const againAfterMs = nextAvailableInMs(pods, set.spec.minReadySeconds, nowMs);
  return {
    steps: [...known.steps, ...steps, ...truncate(set, revisions, known, pods)],
    status: statusOf(set, known, pods, updating, nowMs),
    ...(againAfterMs === undefined ? {} : { againAfterMs }),
  };
}

/** First what should be there, then what should not, then what should be another: scaling comes before updates. */
function podSteps(
  { set, pods, claim }: Pick<Observed, "set" | "pods" | "claim">,
  revisions: Revisions,
  nowMs: number,
): { readonly steps: readonly Step[]; readonly updating: number } {
  if (set.metadata.deletionTimestamp !== undefined) return { steps: [], updating: 0 };
  const places = placesOf(set, revisions, pods, claim);
  const wanted = replicaStage(places, nowMs);
  if (wanted.waits) return { steps: wanted.steps, updating: 0 };
  const unwanted = condemnedStage(places, nowMs);
  const steps = [...wanted.steps, ...unwanted.steps];
  if (unwanted.waits) return { steps, updating: 0 };
  const made = new Set(
    wanted.steps.flatMap((step) => (step.kind === "create-pods" ? step.creations : [])).map(({ pod }) => pod),
  );
  const targets = updateTargets(places, revisions.update.name).filter((pod) => !made.has(pod));
  const updating = targets.filter((pod) => revisionNameOf(pod) === revisions.current.name).length;
  return { steps: targets.length === 0 ? steps : [...steps, { kind: "delete-pods", pods: targets }], updating };
}
