/** What this node is (pkg/kubelet/nodestatus, cadvisor's machine info). */
import { readFile, readdir } from "node:fs/promises";
import os from "node:os";
import { decodeMeminfo } from "../stats/decode.ts";
import { fileSystem } from "../stats/file_system.ts";

export interface NodeFacts {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly swapBytes: number;
  readonly diskBytes: number;
  /** Bytes by the size of a page: "2Mi" → 0. */
  readonly hugepages: ReadonlyMap<string, number>;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly architecture: string;
}

/** @param rootFolder --root-dir: its file system is what pods may fill */
export async function readNodeFacts(rootFolder: string): Promise<NodeFacts> {
  const [meminfo, release, machineId, uuid, bootId, disk, hugepages] = await Promise.all([
    readFile("/proc/meminfo", "utf8"),
    read("/etc/os-release"),
    read("/etc/machine-id"),
    read("/sys/class/dmi/id/product_uuid"),
    read("/proc/sys/kernel/random/boot_id"),
    fileSystem(rootFolder),
    readHugepages(),
  ]);
  const machine = machineId.trim();
  const { totalBytes: memoryBytes, swapTotalBytes: swapBytes } = decodeMeminfo(meminfo);
  return {
    cpus: os.cpus().length,
    memoryBytes,
    swapBytes,
    diskBytes: disk.capacityBytes,
    hugepages,
    machineId: machine,
    systemUuid: uuid.trim() || machine,
    bootId: bootId.trim(),
    kernelVersion: os.release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?/m.exec(release)?.[1] ?? "Linux",
    architecture: goArchitecture(os.arch()),
  };
}

function read(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}

function goArchitecture(arch: string): string {
  return { x64: "amd64", ia32: "386" }[arch] ?? arch;
}

const hugepageFolder = "/sys/kernel/mm/hugepages";

async function readHugepages(): Promise<ReadonlyMap<string, number>> {
  const result = new Map<string, number>();
  for (const name of await readdir(hugepageFolder).catch(() => [])) {
    const kib = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1]);
    const pages = Number(await read(`${hugepageFolder}/${name}/nr_hugepages`));
    if (kib > 0) result.set(kib >= 1 << 20 ? `${kib >> 20}Gi` : `${kib >> 10}Mi`, pages * kib * 1024);
  }
  return result;
}
