import { normalizeToMax, unresolvable, type Plugin } from "../framework/plugin.ts";
import { isKeptAway, isTolerated } from "../../../model/taints.ts";

const untolerated = unresolvable("node(s) had untolerated taint(s)");

export const taintToleration: Plugin = {
  name: "TaintToleration",
  weight: 3,
  filter({ tolerations }) {
    return { check: ({ taints }) => (taints.length > 0 && isKeptAway(taints, tolerations) ? untolerated : undefined) };
  },
  /** Fewer PreferNoSchedule taints that are not tolerated are better. */
  score(pod, _cluster, nodes) {
    if (nodes.every(({ taints }) => taints.length === 0)) return undefined;
    const tolerations = pod.tolerations.filter(({ effect }) => !effect || effect === "PreferNoSchedule");
    return {
      score: ({ taints }) =>
        taints.filter((taint) => taint.effect === "PreferNoSchedule" && !isTolerated(taint, tolerations)).length,
      normalize: (scores) => normalizeToMax(scores, true),
    };
  },
  helps(event, { tolerations }) {
    if (event.type === "NodeAdd") return !isKeptAway(event.node.spec.taints ?? [], tolerations);
    if (event.type !== "NodeUpdate") return false;
    const { node, previous } = event;
    return isKeptAway(previous.spec.taints ?? [], tolerations) && !isKeptAway(node.spec.taints ?? [], tolerations);
  },
};
