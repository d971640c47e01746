/**
 * The same calls of the runtime back to back, with nothing around them: what the kubelet gives the runtime for a pod, by
 * the same renderers, into control groups with the same bounds and with the files and the mount that it makes as well; all
 * that is there before the time is taken.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { qosTier, podCgroupName } from "../../../src/kubelet/cgroups/names.ts";
import { readHierarchies } from "../../../src/kubelet/cgroups/hierarchies.ts";
import { minShares } from "../../../src/kubelet/cgroups/limits.ts";
import { CgroupTree } from "../../../src/kubelet/cgroups/tree.ts";
import type { ContainerConfig, Mount, PodSandboxConfig } from "../../../src/kubelet/cri/messages.ts";
import { openRuntime, type GrpcRuntime } from "../../../src/kubelet/cri/grpc_runtime.ts";
import { containerConfig } from "../../../src/kubelet/pods/render/container.ts";
import { hostsFile } from "../../../src/kubelet/pods/render/hosts.ts";
import { sandboxConfig } from "../../../src/kubelet/pods/render/sandbox.ts";
import { mountTmpfs, unmountBelow } from "../../../src/kubelet/volumes/mounts.ts";
import type { Pod } from "../../../src/model/kubernetes.ts";
import { systemClock } from "../../../src/reconcile/clock.ts";
import { startContainerd, type TestContainerd } from "../../../test/fixtures/containerd.ts";
import type { Cleanup } from "../../driver.ts";
import { benchPod } from "./pods.ts";

/** One containerd without a kubelet. */
export class Floor {
  readonly #containerd: TestContainerd;
  readonly #runtime: GrpcRuntime;
  readonly #tree: CgroupTree;
  #count = 0;

  constructor(containerd: TestContainerd, runtime: GrpcRuntime, tree: CgroupTree) {
    this.#containerd = containerd;
    this.#runtime = runtime;
    this.#tree = tree;
  }

  /** All at once. @returns ms from the first call until all their containers are seen to run; they are gone behind it */
  async pods(count: number): Promise<number> {
    const calls = await Promise.all(Array.from({ length: count }, () => this.#prepare()));
    const begun = performance.now();
    const sandboxes = await Promise.all(calls.map((call) => this.#start(call)));
    const ms = performance.now() - begun;
    await Promise.all(sandboxes.map((id, i) => this.#end(id, calls[i]!)));
    return ms;
  }

  async #prepare(): Promise<Calls> {
    const settings = settingsOf(this.#containerd);
    const name = `floor-${this.#count++}`;
    const { metadata, spec } = benchPod(name, this.#containerd.image);
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...metadata, uid: `${process.pid}-${name}` },
      spec,
    } as Pod;
    const group = podCgroupName(settings, pod.metadata.uid, "BestEffort");
    for (const one of [qosTier(settings, "BestEffort"), group]) await this.#tree.apply(one, { cpuShares: minShares });
    const folder = `${settings.folders.root}/pods/${pod.metadata.uid}`;
    const messageFile = `${folder}/message`;
    const sandbox = sandboxConfig(pod, 0, settings);
    const image = await this.#runtime.imageStatus(this.#containerd.image);
    const container = containerConfig({
      pod,
      container: pod.spec.containers[0]!,
      restartCount: 0,
      imageId: image!.id,
      imageUser: undefined,
      environment: new Map(),
      mounts: await mountsOf(folder, pod, messageFile),
      messageFile,
      settings,
    });
    mkdirSync(sandbox.logDirectory, { recursive: true });
    return { sandbox, container, folder, group };
  }

  async #start({ sandbox, container }: Calls): Promise<string> {
    const runtime = this.#runtime;
    const sandboxId = await runtime.runPodSandbox(sandbox);
    await runtime.podSandboxStatus(sandboxId);
    const id = await runtime.createContainer(sandboxId, container, sandbox);
    await runtime.startContainer(id);
    await runtime.containerStatus(id);
    return sandboxId;
  }

  async #end(sandboxId: string, { folder, group }: Calls): Promise<void> {
    await this.#runtime.stopPodSandbox(sandboxId);
    await this.#runtime.removePodSandbox(sandboxId);
    await unmountBelow(folder);
    await this.#tree.remove(group);
  }
}

interface Calls {
  readonly sandbox: PodSandboxConfig;
  readonly container: ContainerConfig;
  readonly folder: string;
  readonly group: readonly string[];
}

/** What every pod has: its account's token in memory, /etc/hosts, and a file for last words. */
async function mountsOf(folder: string, pod: Pod, messageFile: string): Promise<readonly Mount[]> {
  const token = `${folder}/token`;
  mkdirSync(token, { recursive: true });
  await mountTmpfs(token);
  writeFileSync(`${token}/token`, "token");
  writeFileSync(messageFile, "");
  writeFileSync(`${folder}/etc-hosts`, hostsFile(pod, ["10.88.0.1"], "cluster.local"));
  const containerPath = "/var/run/secrets/kubernetes.io/serviceaccount";
  return [
    { containerPath, hostPath: token, readonly: true, propagation: "PROPAGATION_PRIVATE" },
    { containerPath: "/etc/hosts", hostPath: `${folder}/etc-hosts` },
  ];
}

export async function openFloor(cleanup: Cleanup): Promise<Floor> {
  const containerd = await startContainerd();
  cleanup.add(() => containerd.stop());
  const runtime = openRuntime({ endpoint: containerd.endpoint, timeoutMs: 120_000 });
  cleanup.add(() => runtime.close());
  const tree = new CgroupTree(await readHierarchies(), "cgroupfs", systemClock);
  // Mounts go with its folder only once nothing is mounted there.
  cleanup.add(() => unmountBelow(`${containerd.folder}/floor`));
  return new Floor(containerd, runtime, tree);
}

function settingsOf({ folder, cgroupRoot }: TestContainerd) {
  return {
    folders: { root: `${folder}/floor`, podLogs: `${folder}/floor-logs` },
    nodeName: "bench",
    dns: {
      clusterDns: ["10.96.0.10"],
      clusterDomain: "cluster.local",
      host: { servers: [], searches: [], options: [] },
    },
    cgroupRoot,
    cgroupDriver: "cgroupfs",
    cgroupsPerQos: true,
    seccompDefault: false,
    seccompFolder: "",
    memoryCapacityBytes: 2 ** 33,
    cpuCfsQuota: true,
    cpuCfsPeriodUs: 100_000,
    hugepageSizes: [],
    cgroupVersion: 1,
    killsOneProcess: true,
  } as const;
}
