/** `fairlead node --cleanup`: this node's pods end, and nothing that was programmed for it is left. */
import path from "node:path";
import { messageOf } from "../errors/message.ts";
import { serveCni } from "../../cni/server.ts";
import type { NodeConfiguration } from "../config/node.ts";
import { isThere } from "../files/whole.ts";
import { namespaces } from "../kernel/real/namespaces.ts";
import { openRuntime } from "../kubelet/cri/grpc_runtime.ts";
import type { PodSandbox } from "../kubelet/cri/messages.ts";
import type { Runtime } from "../kubelet/cri/runtime.ts";
import { unmountBelow } from "../kubelet/volumes/mounts.ts";
import type { ProgramLog } from "../log/log.ts";
import { noMetrics } from "../network/metrics.ts";
import { removeControlGroups } from "../up/remains.ts";
import { openPodNetwork } from "./pod_network.ts";
import { cleanUp as cleanUpNetwork } from "./run_network.ts";
import { cleanUp as cleanUpProxy } from "./run_proxy.ts";

export interface CleanUpOptions {
  readonly config: NodeConfiguration;
  readonly rootDir: string;
  readonly programLog: ProgramLog;
}

/** What containers have to end by themselves, in s: a machine that goes down does not wait for half a minute. */
const graceSeconds = 5;
const atOnce = 8;

/** The agent must not run. Whatever fails is said, and the rest is removed. */
export async function cleanUpNode({ config, rootDir, programLog }: CleanUpOptions): Promise<void> {
  const { log } = programLog;
  const failed = (attempted: string) => (error: unknown) => {
    log.warn({ err: messageOf(error) }, `cannot ${attempted}`);
  };
  await withPlugin(config, () => endPods(config, rootDir, programLog)).catch(failed("end the pods"));
  await unmountBelow(rootDir).catch(failed("unmount the pods' volumes"));
  const { cgroupRoot } = config.kubelet;
  await removeControlGroups(path.join(cgroupRoot, "kubepods")).catch(failed("remove the pods' control groups"));
  await cleanUpProxy(programLog).catch(failed("remove what the proxy had programmed"));
  await cleanUpNetwork(config.network, programLog).catch(failed("remove what the pod network had programmed"));
}

/** The runtime calls the plugin to give a pod's network back, and the plugin asks us. */
async function withPlugin({ network: config }: NodeConfiguration, work: () => Promise<void>): Promise<void> {
  const pods = await openPodNetwork({
    stateDir: config.stateDir,
    metrics: noMetrics,
    podCidrs: () => [],
    excluded: [],
    mtu: () => 1500,
    notReady: () => "the node is being cleaned up",
  });
  try {
    await pods.network.restore();
    const cni = await serveCni({ network: pods.network, namespaces, socketPath: config.cni.socket });
    try {
      await work();
    } finally {
      await cni.stop();
    }
  } finally {
    pods.close();
  }
}

async function endPods(config: NodeConfiguration, rootDir: string, { log }: ProgramLog): Promise<void> {
  const { containerRuntimeEndpoint: endpoint, runtimeRequestTimeout: timeoutMs } = config.kubelet;
  const runtime = openRuntime({ endpoint, timeoutMs });
  try {
    const all = await runtime.listPodSandboxes();
    const own = (await Promise.all(all.map(async (one) => ((await isOurs(one, rootDir)) ? [one] : [])))).flat();
    const queue = [...own];
    const worker = async (): Promise<void> => {
      for (let sandbox = queue.pop(); sandbox; sandbox = queue.pop()) await endPod(runtime, sandbox, log);
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    log.info({ pods: own.length }, "ended the pods");
  } finally {
    runtime.close();
  }
}

/** Somebody else's kubelet may use the same runtime: ours has a folder for each of its pods. */
function isOurs({ metadata }: PodSandbox, rootDir: string): Promise<boolean> {
  return isThere(path.join(rootDir, "pods", metadata.uid));
}

async function endPod(runtime: Runtime, { id, metadata }: PodSandbox, log: ProgramLog["log"]): Promise<void> {
  try {
    const containers = await runtime.listContainers({ sandboxId: id });
    const running = containers.filter(({ state }) => state === "CONTAINER_RUNNING");
    await Promise.all(running.map((container) => runtime.stopContainer(container.id, graceSeconds)));
    await runtime.stopPodSandbox(id);
    await runtime.removePodSandbox(id);
  } catch (error) {
    log.warn({ pod: `${metadata.namespace}/${metadata.name}`, err: (error as Error).message }, "cannot end a pod");
  }
}
