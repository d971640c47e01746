/** A Node's object as it is registered, and what is put right of one that is there (pkg/kubelet/kubelet_node_status.go). */
import type { New, Node } from "../../model/kubernetes.ts";
import type { NodeFacts } from "./facts.ts";
import type { NodeSettings } from "./render.ts";

const attachDetachAnnotation = "volumes.kubernetes.io/controller-managed-attach-detach";
const unschedulableTaint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };

/** Labels of which the kubelet knows better than who wrote them; others are the administrator's once the node is there. */
const ownLabels: readonly string[] = [
  "kubernetes.io/hostname",
  "kubernetes.io/os",
  "kubernetes.io/arch",
  "beta.kubernetes.io/os",
  "beta.kubernetes.io/arch",
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region",
  "node.kubernetes.io/instance-type",
  "beta.kubernetes.io/instance-type",
];

export function newNode(settings: NodeSettings, { architecture }: NodeFacts): New<Node> {
  const { name, hostname, labels, providerId, isSchedulable, controllerAttaches } = settings;
  const taints = taintsOf(settings);
  return {
    metadata: {
      name,
      labels: {
        "beta.kubernetes.io/arch": architecture,
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": architecture,
        "kubernetes.io/hostname": hostname,
        "kubernetes.io/os": "linux",
        ...labels,
      },
      ...(controllerAttaches ? { annotations: { [attachDetachAnnotation]: "true" } } : {}),
    },
    spec: {
      ...(providerId === "" ? {} : { providerID: providerId }),
      ...(taints.length === 0 ? {} : { taints }),
      ...(isSchedulable ? {} : { unschedulable: true }),
    },
  };
}

function taintsOf({ taints, isSchedulable }: NodeSettings): NodeSettings["taints"][number][] {
  const has = taints.some(({ key, effect }) => key === unschedulableTaint.key && effect === unschedulableTaint.effect);
  return isSchedulable || has ? [...taints] : [...taints, unschedulableTaint];
}

export interface RegistrationPatch {
  readonly metadata: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string | null>>;
  };
}

/** @returns what is to be changed of a node that is there already; undefined: nothing */
export function registrationPatch(wanted: New<Node>, current: Node): RegistrationPatch | undefined {
  const own = Object.entries(wanted.metadata.labels ?? {}).filter(
    ([label, value]) => ownLabels.includes(label) && current.metadata.labels?.[label] !== value,
  );
  const attaches = wanted.metadata.annotations?.[attachDetachAnnotation];
  const isSame = current.metadata.annotations?.[attachDetachAnnotation] === attaches;
  if (own.length === 0 && isSame) return undefined;
  return {
    metadata: {
      ...(own.length === 0 ? {} : { labels: Object.fromEntries(own) }),
      ...(isSame ? {} : { annotations: { [attachDetachAnnotation]: attaches ?? null } }),
    },
  };
}
