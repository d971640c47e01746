import { unresolvable, type Plugin } from "../framework/plugin.ts";
import { isTolerated, type Taint } from "../../../model/taints.ts";

const cordoned = unresolvable("node(s) were unschedulable");
/** Who tolerates it is let onto nodes that are cordoned. */
const cordonTaint: Taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };

export const nodeUnschedulable: Plugin = {
  name: "NodeUnschedulable",
  filter(pod) {
    if (isTolerated(cordonTaint, pod.tolerations)) return undefined;
    return { check: ({ isUnschedulable }) => (isUnschedulable ? cordoned : undefined) };
  },
  helps(event, pod) {
    if (event.type === "NodeAdd") return event.node.spec.unschedulable !== true;
    if (event.type !== "NodeUpdate") return false;
    const { node, previous } = event;
    if (previous.spec.unschedulable === true && node.spec.unschedulable !== true) return true;
    return isTolerated(cordonTaint, pod.tolerations);
  },
};
