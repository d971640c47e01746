/** Volumes that could be a claim's, and nodes that could have one made (component-helpers/storage/volume FindMatchingVolume). */
import type { V1TopologySelectorTerm } from "@kubernetes/client-node";
import type { Json, PersistentVolume, PersistentVolumeClaim } from "../../../model/kubernetes.ts";
import { labelMatcher } from "../../../model/label_selector.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { NodeInfo } from "../cluster/node_info.ts";
import { nodeSelectorMatcher } from "../../../model/node_selector.ts";
import { wholeValue } from "../../../model/quantities.ts";
import { classNameOf, classOf, volumeClassOf } from "./claims.ts";

const noProvisioner = "kubernetes.io/no-provisioner";

/** Whether a volume can be used on a node. */
export function reaches({ spec }: PersistentVolume, node: NodeInfo): boolean {
  const required = spec.nodeAffinity?.required;
  return !required || nodeSelectorMatcher(required)(node);
}

/** The smallest that will do; one that is meant for this claim before all. */
export function matchingVolume(
  claim: PersistentVolumeClaim,
  node: NodeInfo,
  cluster: Cluster,
  taken: ReadonlySet<string>,
): PersistentVolume | undefined {
  let best: PersistentVolume | undefined;
  const key = `${claim.metadata.namespace}/${claim.metadata.name}`;
  for (const volume of cluster.objects.persistentVolumes.values()) {
    const { name } = volume.metadata;
    const assumed = cluster.assumedVolumes.claimOf(name);
    if (taken.has(name) || (assumed !== undefined && assumed !== key)) continue;
    if (!suits(volume, claim) || !reaches(volume, node)) continue;
    if (volume.spec.claimRef) {
      if (isMeantFor(volume, claim)) return volume;
    } else if (isFree(volume) && (!best || sizeOf(volume) < sizeOf(best))) best = volume;
  }
  return best;
}

function isMeantFor({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  if (claimRef?.namespace !== metadata.namespace || claimRef?.name !== metadata.name) return false;
  return !claimRef.uid || claimRef.uid === metadata.uid;
}

function isFree({ status }: PersistentVolume): boolean {
  return status?.phase === "Available";
}

function suits(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { spec, metadata } = volume;
  const { accessModes = [], volumeMode, resources, selector } = claim.spec;
  if (metadata.deletionTimestamp !== undefined || volumeClassOf(volume) !== classNameOf(claim)) return false;
  if ((spec.volumeMode ?? "Filesystem") !== (volumeMode ?? "Filesystem")) return false;
  if (sizeOf(volume) < wholeValue(resources?.requests?.["storage"] ?? "0")) return false;
  if (!accessModes.every((mode) => spec.accessModes?.includes(mode))) return false;
  return !selector || isMeantFor(volume, claim) || labelMatcher(selector)(metadata.labels);
}

function sizeOf({ spec }: PersistentVolume): number {
  return wholeValue(spec.capacity?.["storage"] ?? "0");
}

/** Whether a volume for the claim can be made where this node reaches it. */
export function canProvision(claim: PersistentVolumeClaim, node: NodeInfo, cluster: Cluster): boolean {
  const storageClass = classOf(claim, cluster);
  if (!storageClass?.provisioner || storageClass.provisioner === noProvisioner) return false;
  const topologies = storageClass.allowedTopologies ?? [];
  return topologies.length === 0 || topologies.some((term) => allows(term, node));
}

function allows({ matchLabelExpressions = [] }: Json<V1TopologySelectorTerm>, { labels }: NodeInfo): boolean {
  return matchLabelExpressions.every(({ key, values }) => labels[key] !== undefined && values.includes(labels[key]));
}
