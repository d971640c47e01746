import type { PersistentVolumeClaim } from "../../../model/kubernetes.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { NodeInfo } from "../cluster/node_info.ts";
import type { ClusterEvent } from "../framework/events.ts";
import { unresolvable, type Plugin } from "../framework/plugin.ts";
import type { VolumeStep } from "../framework/volume_steps.ts";
import type { PodInfo } from "../model/pod_info.ts";
import { podClaims, selectedNodeAnnotation, type PodClaims } from "../volumes/claims.ts";
import { canProvision, matchingVolume, reaches } from "../volumes/matching.ts";

const nodeConflict = "node(s) didn't match PersistentVolume's node affinity";
const bindConflict = "node(s) didn't find available persistent volumes to bind";
const volumeGone = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)";

/** Volumes must be where the node reaches them; claims that wait for a node get theirs by this choice. */
export const volumeBinding: Plugin = {
  name: "VolumeBinding",
  filter(pod, cluster) {
    if (pod.claims.length === 0) return undefined;
    const claims = podClaims(pod, cluster);
    if (typeof claims === "string") return unresolvable(claims);
    return {
      check(node) {
        const reasons = [...boundProblems(claims, node, cluster)];
        if (!stepsFor(claims.delayed, node, cluster)) reasons.push(bindConflict);
        return reasons.length === 0 ? undefined : unresolvable(...reasons.sort());
      },
      volumeSteps: (node) => stepsFor(claims.delayed, node, cluster) ?? [],
    };
  },
  helps,
};

function boundProblems({ bound }: PodClaims, node: NodeInfo, { objects }: Cluster): ReadonlySet<string> {
  const problems = new Set<string>();
  for (const name of bound) {
    const volume = objects.persistentVolumes.get(name);
    if (!volume) problems.add(volumeGone);
    else if (!reaches(volume, node)) problems.add(nodeConflict);
  }
  return problems;
}

/** @returns undefined where a claim finds neither a volume nor somebody to make one */
function stepsFor(
  claims: readonly PersistentVolumeClaim[],
  node: NodeInfo,
  cluster: Cluster,
): readonly VolumeStep[] | undefined {
  const steps: VolumeStep[] = [];
  const taken = new Set<string>();
  for (const claim of claims) {
    const namespace = claim.metadata.namespace!;
    const { name } = claim.metadata;
    const selected =
      claim.metadata.annotations?.[selectedNodeAnnotation] ?? cluster.assumedVolumes.nodeOf(`${namespace}/${name}`);
    if (selected !== undefined && selected !== node.name) return undefined;
    const volume = selected === undefined ? matchingVolume(claim, node, cluster, taken) : undefined;
    if (volume) {
      taken.add(volume.metadata.name);
      steps.push({ type: "BindVolume", namespace, claim: name, volume: volume.metadata.name });
    } else if (canProvision(claim, node, cluster)) {
      steps.push({ type: "SelectNode", namespace, claim: name, nodeName: node.name });
    } else return undefined;
  }
  return steps;
}

function helps(event: ClusterEvent, pod: PodInfo): boolean {
  switch (event.type) {
    case "ClaimChange":
      return event.claim.metadata.namespace === pod.namespace && pod.claims.includes(event.claim.metadata.name);
    case "VolumeChange":
    case "StorageClassChange":
    case "CSINodeChange":
    case "NodeAdd":
      return true;
    case "NodeUpdate":
      return JSON.stringify(event.node.metadata.labels) !== JSON.stringify(event.previous.metadata.labels);
    default:
      return false;
  }
}
