/** The same calls of the runtime back to back, with nothing around them. */
import { openRuntime, type GrpcRuntime } from "../../../src/kubelet/cri/grpc_runtime.ts";
import { containerConfig } from "../../../src/kubelet/pods/render/container.ts";
import { sandboxConfig } from "../../../src/kubelet/pods/render/sandbox.ts";
import type { Pod } from "../../../src/model/kubernetes.ts";
import type { TestContainerd } from "../../../test/fixtures/containerd.ts";
import { benchPod } from "./pods.ts";

let count = 0;

/** @returns ms from the first call until the container is seen to run */
export async function startByCalls(containerd: TestContainerd, runtime: GrpcRuntime): Promise<number> {
  const name = `floor-${count++}`;
  const { metadata, spec } = benchPod(name, containerd.image);
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { ...metadata, uid: `${process.pid}-${name}` }, spec } as Pod;
  const sandbox = sandboxConfig(pod, 0, settingsOf(containerd));
  const image = await runtime.imageStatus(containerd.image);
  const container = containerConfig({
    pod,
    container: { ...pod.spec.containers[0]!, terminationMessagePath: "" },
    restartCount: 0,
    imageId: image!.id,
    imageUser: undefined,
    environment: new Map(),
    mounts: [],
    messageFile: "",
    settings: settingsOf(containerd),
  });
  const begun = performance.now();
  const sandboxId = await runtime.runPodSandbox(sandbox);
  await runtime.podSandboxStatus(sandboxId);
  const id = await runtime.createContainer(sandboxId, container, sandbox);
  await runtime.startContainer(id);
  await runtime.containerStatus(id);
  const tookMs = performance.now() - begun;
  await runtime.stopPodSandbox(sandboxId);
  await runtime.removePodSandbox(sandboxId);
  return tookMs;
}

export function openFloor({ endpoint }: TestContainerd): GrpcRuntime {
  return openRuntime({ endpoint, timeoutMs: 30_000 });
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
