import { unresolvable, type Plugin } from "../framework/plugin.ts";
import { podClaims } from "../volumes/claims.ts";

const otherZone = unresolvable("node(s) had no available volume zone");
const zoneLabels = [
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region",
];
/** Between the zones of a volume that is in several. */
const zoneSeparator = "__";

/** Volumes with labels of zones are for nodes of those zones; a node without such labels minds nothing. */
export const volumeZone: Plugin = {
  name: "VolumeZone",
  filter(pod, cluster) {
    if (pod.claims.length === 0) return undefined;
    const claims = podClaims(pod, cluster);
    if (typeof claims === "string") return undefined;
    const demands = claims.bound.flatMap((name) => {
      const labels = cluster.objects.persistentVolumes.get(name)?.metadata.labels ?? {};
      return zoneLabels.flatMap((key) => (labels[key] ? [{ key, values: labels[key].split(zoneSeparator) }] : []));
    });
    if (demands.length === 0) return undefined;
    return {
      check({ labels }) {
        if (!zoneLabels.some((key) => labels[key] !== undefined)) return undefined;
        return demands.every(({ key, values }) => values.includes(labels[key] ?? "")) ? undefined : otherZone;
      },
    };
  },
  helps: (event) => ["VolumeChange", "ClaimChange", "StorageClassChange", "NodeAdd", "NodeUpdate"].includes(event.type),
};
