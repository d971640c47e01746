/** What could help a pod that inter-pod affinity rejected. */
import type { Cluster } from "../cluster/cluster.ts";
import { selects } from "../cluster/pod_counts.ts";
import type { ClusterEvent } from "../framework/events.ts";
import { termMatches } from "../model/pod_terms.ts";
import type { PodInfo } from "../model/pod_info.ts";
import { selectionOfAll } from "./term_selection.ts";

export function affinityHelps(event: ClusterEvent, pod: PodInfo, cluster: Cluster): boolean {
  const { requiredAffinity, requiredAntiAffinity } = pod.terms;
  switch (event.type) {
    case "PodAdd":
      return isWanted(event.pod, pod, cluster);
    case "PodUpdate":
      return (
        (isWanted(event.pod, pod, cluster) && !isWanted(event.previous, pod, cluster)) ||
        (isInTheWay(event.previous, pod, cluster) && !isInTheWay(event.pod, pod, cluster))
      );
    case "PodDelete":
      return isInTheWay(event.pod, pod, cluster);
    case "NodeAdd": {
      const { labels = {} } = event.node.metadata;
      return requiredAffinity.every(({ topologyKey }) => labels[topologyKey] !== undefined);
    }
    case "NodeUpdate":
      return JSON.stringify(event.node.metadata.labels) !== JSON.stringify(event.previous.metadata.labels);
    case "NamespaceUpdate":
      return (
        event.name === pod.namespace ||
        [...requiredAffinity, ...requiredAntiAffinity].some(({ namespaceSelector }) => namespaceSelector)
      );
    default:
      return false;
  }
}

function isWanted(other: PodInfo, { terms: { requiredAffinity } }: PodInfo, cluster: Cluster): boolean {
  return requiredAffinity.length > 0 && selects(selectionOfAll(requiredAffinity, cluster), other);
}

function isInTheWay(other: PodInfo, pod: PodInfo, cluster: Cluster): boolean {
  if (pod.terms.requiredAntiAffinity.some((term) => selects(selectionOfAll([term], cluster), other))) return true;
  const namespaceLabels = cluster.namespaceLabels(pod.namespace);
  return other.terms.requiredAntiAffinity.some((term) => termMatches(term, pod, namespaceLabels));
}
