import { normalizeToMax, unresolvable, type Plugin } from "../framework/plugin.ts";
import type { Node } from "../../../model/kubernetes.ts";
import type { SelectableNode } from "../../../model/node_selector.ts";

const unselected = unresolvable("node(s) didn't match Pod's node affinity/selector");
const conflict = unresolvable("pod affinity terms conflict");

export const nodeAffinity: Plugin = {
  name: "NodeAffinity",
  weight: 2,
  filter(pod) {
    const matches = pod.requiredNodes;
    if (!matches) return undefined;
    const nodeNames = pod.namedNodes;
    if (nodeNames?.size === 0) return conflict;
    return {
      check: (node) => (matches(node) ? undefined : unselected),
      ...(nodeNames ? { nodeNames } : {}),
    };
  },
  score({ preferredNodes }) {
    if (preferredNodes.length === 0) return undefined;
    return {
      score(node) {
        let sum = 0;
        for (const { weight, matches } of preferredNodes) if (matches(node)) sum += weight;
        return sum;
      },
      normalize: (scores) => normalizeToMax(scores, false),
    };
  },
  helps(event, { requiredNodes }) {
    const matches = (node: Node): boolean => requiredNodes === undefined || requiredNodes(selectable(node));
    if (event.type === "NodeAdd") return matches(event.node);
    return event.type === "NodeUpdate" && matches(event.node) && !matches(event.previous);
  },
};

export function selectable({ metadata: { name, labels = {} } }: Node): SelectableNode {
  return { name, labels };
}
