import type { Cluster } from "../cluster/cluster.ts";
import { unschedulable, type Plugin } from "../framework/plugin.ts";
import type { PodInfo } from "../model/pod_info.ts";
import { boundVolume, classOf } from "../volumes/claims.ts";

const tooMany = unschedulable("node(s) exceed max volume count");

/** A CSI driver attaches so many volumes to a node as its CSINode says. */
export const nodeVolumeLimits: Plugin = {
  name: "NodeVolumeLimits",
  filter(pod, cluster) {
    if (pod.claims.length === 0 || cluster.objects.csiNodes.size === 0) return undefined;
    const wanted = volumesOf(pod, cluster);
    if (wanted.size === 0) return undefined;
    const drivers = new Set(wanted.values());
    return {
      check(node) {
        const limits = cluster.objects.csiNodes.get(node.name)?.spec.drivers ?? [];
        if (!limits.some(({ name, allocatable }) => drivers.has(name) && allocatable?.count !== undefined))
          return undefined;
        const attached = new Map(wanted);
        for (const other of node.pods.values()) {
          for (const [volume, driver] of volumesOf(other, cluster)) attached.set(volume, driver);
        }
        for (const { name, allocatable } of limits) {
          if (allocatable?.count === undefined || !drivers.has(name)) continue;
          const count = [...attached.values()].filter((driver) => driver === name).length;
          if (count > allocatable.count) return tooMany;
        }
        return undefined;
      },
    };
  },
  helps: (event) =>
    event.type === "CSINodeChange" ||
    event.type === "NodeAdd" ||
    event.type === "ClaimChange" ||
    (event.type === "PodDelete" && event.pod.claims.length > 0),
};

/** Volume → its CSI driver; what is still to be made counts for the driver of its class. */
function volumesOf({ namespace, claims }: PodInfo, cluster: Cluster): ReadonlyMap<string, string> {
  const volumes = new Map<string, string>();
  for (const name of claims) {
    const key = `${namespace}/${name}`;
    const claim = cluster.objects.persistentVolumeClaims.get(key);
    if (!claim) continue;
    const bound = boundVolume(claim);
    const csi = bound === undefined ? undefined : cluster.objects.persistentVolumes.get(bound)?.spec.csi;
    const driver = bound === undefined ? classOf(claim, cluster)?.provisioner : csi?.driver;
    if (driver) volumes.set(csi ? `${driver} ${csi.volumeHandle}` : key, driver);
  }
  return volumes;
}
