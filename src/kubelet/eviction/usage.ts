/** What pods use, as evictions weigh it. */
import type { Pod } from "../../model/kubernetes.ts";
import { formatQuantity } from "../../model/quantity.ts";
import { podRequests } from "../../model/pod_requests.ts";
import { noDisk, type DiskUse } from "../stats/disk_use.ts";
import type { StarvedResource } from "./signals.ts";

export interface ContainerUse {
  /** Working set. */
  readonly memoryBytes: number;
  readonly rootfs: DiskUse;
  readonly logs: DiskUse;
}

export interface PodUse {
  readonly memoryBytes: number;
  readonly processes: number;
  readonly containers: ReadonlyMap<string, ContainerUse>;
  /** Volumes on the node's disk, by name. */
  readonly volumes: ReadonlyMap<string, DiskUse>;
}

/** What of a disk counts: by where the pressure is (buildSignalToRankFunc). */
export interface DiskParts {
  readonly rootfs: boolean;
  readonly rest: boolean;
}

export function diskOf({ containers, volumes }: PodUse, parts: DiskParts): DiskUse {
  const uses = [
    ...[...containers.values()].flatMap(({ rootfs, logs }) => [
      ...(parts.rootfs ? [rootfs] : []),
      ...(parts.rest ? [logs] : []),
    ]),
    ...(parts.rest ? volumes.values() : []),
  ];
  return uses.reduce((sum, { bytes, inodes }) => ({ bytes: sum.bytes + bytes, inodes: sum.inodes + inodes }), noDisk);
}

export function amountUsed(use: PodUse, resource: StarvedResource, parts: DiskParts): number {
  if (resource === "memory") return use.memoryBytes;
  if (resource === "pids") return use.processes;
  return diskOf(use, parts)[resource === "inodes" ? "inodes" : "bytes"];
}

export function amountRequested(pod: Pod, resource: StarvedResource): number {
  const requests = podRequests(pod);
  if (resource === "memory") return requests.memory;
  return resource === "ephemeral-storage" ? requests.ephemeralStorage : 0;
}

export function quantityText(amount: number, resource: StarvedResource): string {
  const format = resource === "memory" || resource === "ephemeral-storage" ? "BinarySI" : "DecimalSI";
  return formatQuantity({ nanos: BigInt(Math.trunc(amount)) * 1_000_000_000n, format });
}
