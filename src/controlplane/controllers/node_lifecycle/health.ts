/**
 * Whether a node still tells of itself, by its status and its Lease (upstream: tryUpdateNodeHealth). What counts is
 * when a change was *seen*: the clocks of nodes are not trusted. Pure.
 */
import type { Lease, Node } from "../../../model/kubernetes.ts";
import { timestamp } from "../../../model/timestamp.ts";
import { readyCondition } from "./taints.ts";

type NodeStatus = NonNullable<Node["status"]>;
type Condition = NonNullable<NodeStatus["conditions"]>[number];

/** What is remembered of a node. */
export interface NodeHealth {
  /** Of the Ready condition when it was seen last; undefined where there was none. */
  readonly heartbeat: string | undefined;
  readonly renewTime: string | undefined;
  /** When the node was last known to be alive, by our clock. */
  readonly probedMs: number;
}

export interface Grace {
  /** For a node that never told anything, in ms. */
  readonly startupMs: number;
  readonly monitorMs: number;
}

export interface HealthPlan {
  readonly health: NodeHealth;
  /** The Ready condition's status as the node had it. */
  readonly observed: string;
  /** As it is with what is written; undefined where there is none yet. */
  readonly current: string | undefined;
  readonly status?: NodeStatus;
}

export function planHealth(
  node: Node,
  lease: Lease | undefined,
  before: NodeHealth | undefined,
  grace: Grace,
  nowMs: number,
): HealthPlan {
  const ready = readyCondition(node);
  const health = seen(node, lease, before, nowMs);
  const graceMs = ready ? grace.monitorMs : grace.startupMs;
  const observed = ready?.status ?? "Unknown";
  if (nowMs <= health.probedMs + graceMs) return { health, observed, current: ready?.status };
  const status = silenced(node, nowMs);
  return { health, observed, current: "Unknown", ...(status ? { status } : {}) };
}

function seen(node: Node, lease: Lease | undefined, before: NodeHealth | undefined, nowMs: number): NodeHealth {
  const heartbeat = heartbeatOf(node);
  const createdMs = Date.parse(node.metadata.creationTimestamp);
  const first = { heartbeat, renewTime: undefined, probedMs: heartbeat === undefined ? createdMs : nowMs };
  const known =
    before === undefined || before.heartbeat === heartbeat
      ? (before ?? first)
      : { ...before, heartbeat, probedMs: nowMs };
  const renewTime = lease?.spec.renewTime;
  if (renewTime === undefined || !isLater(renewTime, known.renewTime)) return known;
  return { ...known, renewTime, probedMs: nowMs };
}

function heartbeatOf(node: Node): string | undefined {
  const ready = readyCondition(node);
  return ready && (ready.lastHeartbeatTime ?? "");
}

/** Times of one length and notation: their order is that of their texts. */
function isLater(time: string, than: string | undefined): boolean {
  return than === undefined || time > than;
}

/** NetworkUnavailable is not the kubelet's. */
const kubeletConditions: readonly string[] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/** @returns the status of a node that says nothing any more; undefined where it says so already */
function silenced(node: Node, nowMs: number): NodeStatus | undefined {
  if (readyCondition(node)?.status === "Unknown") return undefined;
  const { metadata, status } = node;
  const before = status?.conditions ?? [];
  const lastTransitionTime = timestamp(nowMs);
  const known = before.map((condition): Condition => {
    if (!kubeletConditions.includes(condition.type) || condition.status === "Unknown") return condition;
    const message = "Kubelet stopped posting node status.";
    return { ...condition, status: "Unknown", reason: "NodeStatusUnknown", message, lastTransitionTime };
  });
  const never = kubeletConditions
    .filter((type) => !before.some((condition) => condition.type === type))
    .map((type): Condition => ({
      type,
      status: "Unknown",
      reason: "NodeStatusNeverUpdated",
      message: "Kubelet never posted node status.",
      lastHeartbeatTime: metadata.creationTimestamp,
      lastTransitionTime,
    }));
  return { ...status, conditions: [...known, ...never] };
}
