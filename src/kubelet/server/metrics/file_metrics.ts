/**
 * What /metrics tells of logs and of claims' volumes (pkg/kubelet/metrics/collectors, log_metrics.go and volume_stats.go):
 * labelled by what there is, so that nothing of it is kept. Pure.
 */
import type { PodFiles } from "../stats/snapshot.ts";
import type { FileSystem } from "../../stats/file_system.ts";
import type { Family, Sample } from "./text.ts";

/** Name, help, and what it is of a file system. */
const volumeStats: readonly (readonly [string, string, (fs: FileSystem) => number])[] = [
  ["kubelet_volume_stats_capacity_bytes", "Capacity in bytes of the volume", (fs) => fs.capacityBytes],
  ["kubelet_volume_stats_available_bytes", "Number of available bytes in the volume", (fs) => fs.availableBytes],
  ["kubelet_volume_stats_used_bytes", "Number of used bytes in the volume", (fs) => fs.usedBytes],
  ["kubelet_volume_stats_inodes", "Maximum number of inodes in the volume", (fs) => fs.inodes],
  ["kubelet_volume_stats_inodes_free", "Number of free inodes in the volume", (fs) => fs.inodesFree],
  ["kubelet_volume_stats_inodes_used", "Number of used inodes in the volume", (fs) => fs.inodes - fs.inodesFree],
];

const logs = {
  name: "kubelet_container_log_filesystem_used_bytes",
  help: "Bytes used by the container's logs on the filesystem.",
};

export const fileMetricNames: readonly string[] = [logs.name, ...volumeStats.map(([name]) => name)];

export function fileFamilies(pods: readonly PodFiles[]): readonly Family[] {
  const claims = claimed(pods);
  return [
    { name: logs.name, help: `[ALPHA] ${logs.help}`, type: "gauge", samples: pods.flatMap(logSamples) },
    ...volumeStats.map(([name, help, read]): Family => {
      const samples = claims.map(({ labels, fs }): Sample => ({ labels, value: read(fs) }));
      return { name, help: `[ALPHA] ${help}`, type: "gauge", samples };
    }),
  ];
}

function logSamples({ uid, namespace, name: pod, logs: byContainer }: PodFiles): readonly Sample[] {
  return [...byContainer].map(([container, value]) => ({ labels: { uid, namespace, pod, container }, value }));
}

/** Each claim once, however many pods have it. */
function claimed(pods: readonly PodFiles[]) {
  const found = pods.flatMap(({ namespace, volumes }) =>
    volumes.flatMap(({ claim, fs }) =>
      claim === undefined ? [] : [{ labels: { namespace, persistentvolumeclaim: claim }, fs }],
    ),
  );
  const keys = found.map(({ labels }) => `${labels.namespace}/${labels.persistentvolumeclaim}`);
  return found.filter((_, at) => keys.indexOf(keys[at]!) === at);
}
