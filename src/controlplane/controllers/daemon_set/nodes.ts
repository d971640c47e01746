/** On which nodes a DaemonSet's pods belong (pkg/controller/daemon NodeShouldRunDaemonPod). Pure. */
import type { DaemonSet, Node, Pod } from "../../../model/kubernetes.ts";
import { requiredNodes } from "../../../model/node_selector.ts";
import { isTolerated, keepsAway, type Taint, type Toleration } from "../../../model/taints.ts";

export interface Belongs {
  /** A pod is made where none is. */
  readonly shouldRun: boolean;
  /** One that is there stays. */
  readonly mayStay: boolean;
}

export type NodeRule = (node: Node) => Belongs;

const [neither, both]: readonly [Belongs, Belongs] = [
  { shouldRun: false, mayStay: false },
  { shouldRun: true, mayStay: true },
];

/** Taints that nodes get by themselves, and that no daemon minds. */
const always: readonly Toleration[] = [
  { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/disk-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/pid-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" },
];
/** Daemons on the node's own network may be what makes the network. */
const ofHostNetwork: Toleration = {
  key: "node.kubernetes.io/network-unavailable",
  operator: "Exists",
  effect: "NoSchedule",
};

export function daemonTolerations({ tolerations = [], hostNetwork }: Pod["spec"]): readonly Toleration[] {
  const added = hostNetwork ? [...always, ofHostNetwork] : always;
  return [...tolerations, ...added.filter((toleration) => !tolerations.some((own) => isSame(own, toleration)))];
}

function isSame(a: Toleration, b: Toleration): boolean {
  return (
    (a.key ?? "") === (b.key ?? "") &&
    (a.effect ?? "") === (b.effect ?? "") &&
    (a.operator ?? "") === (b.operator ?? "") &&
    (a.value ?? "") === (b.value ?? "")
  );
}

/** The DaemonSet's rule, made once for all nodes. */
export function nodeRule({ spec }: DaemonSet): NodeRule {
  const podSpec = spec.template.spec as Pod["spec"];
  const tolerations = daemonTolerations(podSpec);
  const matches = requiredNodes({ spec: podSpec } as Pod);
  return (node) => {
    const { name, labels = {} } = node.metadata;
    if (podSpec.nodeName && podSpec.nodeName !== name) return neither;
    if (matches && !matches({ name, labels })) return neither;
    const untolerated = (node.spec.taints ?? []).filter((taint: Taint) => !isTolerated(taint, tolerations));
    if (!untolerated.some(keepsAway)) return both;
    return { shouldRun: false, mayStay: !untolerated.some(({ effect }) => effect === "NoExecute") };
  };
}

/** Whether a change of a node may be of consequence to anybody's rule. */
export function isOtherPlace(before: Node, after: Node): boolean {
  return (
    JSON.stringify(before.metadata.labels) !== JSON.stringify(after.metadata.labels) ||
    JSON.stringify(before.spec.taints) !== JSON.stringify(after.spec.taints)
  );
}

const nameField = "metadata.name";

/** Required affinity of a pod that is for one node; the scheduler binds it there (KEP-548). */
export function pinnedAffinity(affinity: Pod["spec"]["affinity"], node: string): NonNullable<Pod["spec"]["affinity"]> {
  const nodeSelectorTerms = [{ matchFields: [{ key: nameField, operator: "In", values: [node] }] }];
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
    },
  };
}

/** The node that a daemon's pod is on or for. */
export function targetNode({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  for (const { matchFields = [] } of required?.nodeSelectorTerms ?? []) {
    const named = matchFields.find(({ key, operator }) => key === nameField && operator === "In");
    if (named) return named.values?.length === 1 ? named.values[0] : undefined;
  }
  return undefined;
}
