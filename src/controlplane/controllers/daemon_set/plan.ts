/** What a DaemonSet does next (pkg/controller/daemon syncDaemonSet). Pure. */
import type { ControllerRevision, DaemonSet, Node, Pod } from "../../../model/kubernetes.ts";
import { nextAvailableInMs } from "../pods/state.ts";
import { cleanUp, history } from "./history.ts";
import { manage } from "./manage.ts";
import { nodeRule } from "./nodes.ts";
import { byNode } from "./pods.ts";
import { rollingUpdate } from "./rolling_update.ts";
import { statusOf, type DaemonSetStatus } from "./status.ts";
import { changeSteps, type Step } from "./steps.ts";

export interface Observed {
  readonly set: DaemonSet;
  readonly nodes: readonly Node[];
  /** The set's own. */
  readonly pods: readonly Pod[];
  readonly revisions: readonly ControllerRevision[];
  /** How long a failed pod on a node is left yet, in ms. */
  readonly backOffMs: (node: string) => number;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** None for one that is being deleted: its revisions may be gone, so nothing can be said. */
  readonly status?: DaemonSetStatus;
  /** Nodes whose failed pod is replaced. */
  readonly failedOn: readonly string[];
  readonly againAfterMs?: number;
}

export function plan({ set, nodes, pods, revisions, backOffMs }: Observed, nowMs: number): Plan {
  if (set.metadata.deletionTimestamp !== undefined) return { steps: [], failedOn: [] };
  const past = history(set, revisions, pods);
  const { hash } = past;
  const rule = nodeRule(set);
  const places = byNode(pods);
  const managed = manage({ set, nodes, pods: places, rule, hash, backOffMs }, nowMs);
  const isSettled = managed.nodes.length === 0 && managed.pods.length === 0;
  const isRolling = set.spec.updateStrategy?.type === "RollingUpdate";
  const rolled = isSettled && isRolling ? rollingUpdate({ set, nodes, pods: places, rule, hash }, nowMs) : undefined;
  const waits = [managed.againAfterMs, nextAvailableInMs(pods, set.spec.minReadySeconds, nowMs)].filter(
    (ms) => ms !== undefined,
  );
  return {
    steps: [...past.steps, ...managed.told, ...changeSteps(rolled ?? managed, hash), ...cleanUp(set, past.old, pods)],
    status: statusOf(set, nodes, places, rule, hash, nowMs),
    failedOn: managed.failedOn,
    ...(waits.length === 0 ? {} : { againAfterMs: Math.min(...waits) }),
  };
}
