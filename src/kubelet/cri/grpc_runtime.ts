/** The real runtime: CRI v1 over a unix socket. */
import { FairleadError } from "../../errors/catalogue.ts";
import type * as cri from "./messages.ts";
import { openChannel, type Channel } from "./channel.ts";
import { criProto } from "./proto.ts";
import type {
  ContainerEvent,
  ContainerEventObserver,
  ContainerFilter,
  ImageService,
  Runtime,
  RuntimeService,
  SandboxFilter,
  StreamOptions,
} from "./runtime.ts";

export interface GrpcRuntimeOptions {
  /** `unix:///run/containerd/containerd.sock` */
  readonly endpoint: string;
  /** Default: the runtime's. */
  readonly imageEndpoint?: string;
  /** KubeletConfiguration's runtimeRequestTimeout, in ms. */
  readonly timeoutMs: number;
}

/** Pulls last as long as they do; this bound is for those that would never end. */
const pullTimeoutMs = 3_600_000;

export interface GrpcRuntime extends Runtime {
  close(): void;
}

export function openRuntime({ endpoint, imageEndpoint, timeoutMs }: GrpcRuntimeOptions): GrpcRuntime {
  const channel = openChannel({ endpoint, proto: criProto });
  const isShared = imageEndpoint === undefined || imageEndpoint === endpoint;
  const images = isShared ? channel : openChannel({ endpoint: imageEndpoint, proto: criProto });
  const call = callsOf(channel, "RuntimeService", timeoutMs);
  return {
    ...runtimeService(channel, timeoutMs),
    ...imageService(images, timeoutMs),
    sandboxImage: async () => sandboxImageOf(await call<StatusAnswer>("Status", { verbose: true })),
    close() {
      channel.close();
      if (!isShared) images.close();
    },
  };
}

type Call = <Answer>(method: string, request: object, timeoutMs?: number) => Promise<Answer>;

function callsOf(channel: Channel, service: string, timeoutMs: number): Call {
  return (method, request, bound = timeoutMs) =>
    channel.unary(`runtime.v1.${service}`, method, request, bound) as Promise<never>;
}

function runtimeService(channel: Channel, timeoutMs: number): RuntimeService {
  const call = callsOf(channel, "RuntimeService", timeoutMs);
  return {
    ...sandboxCalls(call, timeoutMs),
    ...containerCalls(call, timeoutMs),
    ...streamingCalls(call),
    version: () => call<cri.RuntimeVersion>("Version", { version: "0.1.0" }),
    async status() {
      const answer = await call<StatusAnswer>("Status", {});
      const { status, runtimeHandlers: handlers, features } = answer;
      return { conditions: status?.conditions ?? [], handlers, ...(features ? { features } : {}) };
    },
    async cgroupDriver() {
      try {
        const { linux } = await call<RuntimeConfigAnswer>("RuntimeConfig", {});
        return linux ? (linux.cgroupDriver === "SYSTEMD" ? "systemd" : "cgroupfs") : undefined;
      } catch (error) {
        if (error instanceof FairleadError && error.code === "CRI_UNIMPLEMENTED") return undefined;
        throw error;
      }
    },
    watchContainers(observer: ContainerEventObserver) {
      return channel.stream(
        "runtime.v1.RuntimeService",
        "GetContainerEvents",
        {},
        {
          onMessage: (message) => observer.onEvent(eventOf(message as EventAnswer)),
          onEnd: (error) => observer.onEnd(error),
        },
      );
    },
  };
}

interface EventAnswer {
  readonly containerId: string;
  /** In ns. */
  readonly createdAt: number;
}

function eventOf({ containerId, createdAt }: EventAnswer): ContainerEvent {
  return createdAt > 0 ? { containerId, atMs: createdAt / 1e6 } : { containerId };
}

interface StatusAnswer {
  readonly status: { readonly conditions: readonly cri.RuntimeCondition[] } | null;
  readonly runtimeHandlers: readonly cri.RuntimeHandler[];
  /** Of a verbose answer. */
  readonly info: Readonly<Record<string, string>>;
  readonly features: { readonly supplementalGroupsPolicy: boolean } | null;
}

interface RuntimeConfigAnswer {
  readonly linux: { readonly cgroupDriver: "SYSTEMD" | "CGROUPFS" } | null;
}

function sandboxCalls(call: Call, timeoutMs: number) {
  return {
    // Upstream gives a sandbox twice the time: its network is made as well.
    async runPodSandbox(config: cri.PodSandboxConfig, runtimeHandler = ""): Promise<string> {
      const request = { config, runtimeHandler };
      return (await call<{ podSandboxId: string }>("RunPodSandbox", request, 2 * timeoutMs)).podSandboxId;
    },
    async stopPodSandbox(podSandboxId: string): Promise<void> {
      await call("StopPodSandbox", { podSandboxId });
    },
    async removePodSandbox(podSandboxId: string): Promise<void> {
      await call("RemovePodSandbox", { podSandboxId });
    },
    async podSandboxStatus(podSandboxId: string): Promise<cri.PodSandboxStatus> {
      return (await call<{ status: cri.PodSandboxStatus }>("PodSandboxStatus", { podSandboxId })).status;
    },
    async listPodSandboxes({ id, labels }: SandboxFilter = {}): Promise<readonly cri.PodSandbox[]> {
      const filter = { id: id ?? "", labelSelector: labels ?? {} };
      return (await call<{ items: readonly cri.PodSandbox[] }>("ListPodSandbox", { filter })).items;
    },
  };
}

function containerCalls(call: Call, timeoutMs: number) {
  return {
    async createContainer(
      podSandboxId: string,
      config: cri.ContainerConfig,
      sandboxConfig: cri.PodSandboxConfig,
    ): Promise<string> {
      const request = { podSandboxId, config, sandboxConfig };
      return (await call<{ containerId: string }>("CreateContainer", request)).containerId;
    },
    async startContainer(containerId: string): Promise<void> {
      await call("StartContainer", { containerId });
    },
    async stopContainer(containerId: string, timeout: number): Promise<void> {
      await call("StopContainer", { containerId, timeout }, timeoutMs + timeout * 1000);
    },
    async removeContainer(containerId: string): Promise<void> {
      await call("RemoveContainer", { containerId });
    },
    async containerStatus(containerId: string): Promise<cri.ContainerStatus> {
      return (await call<{ status: cri.ContainerStatus }>("ContainerStatus", { containerId })).status;
    },
    async listContainers({ id, sandboxId, labels }: ContainerFilter = {}): Promise<readonly cri.Container[]> {
      const filter = { id: id ?? "", podSandboxId: sandboxId ?? "", labelSelector: labels ?? {} };
      return (await call<{ containers: readonly cri.Container[] }>("ListContainers", { filter })).containers;
    },
    async execSync(containerId: string, cmd: readonly string[], timeout: number): Promise<cri.ExecResult> {
      // The runtime ends the command; the deadline is for a runtime that does not.
      return call<cri.ExecResult>("ExecSync", { containerId, cmd, timeout }, timeout * 1000 + execSlackMs);
    },
    async listContainerStats({ id, sandboxId, labels }: ContainerFilter = {}): Promise<readonly cri.ContainerStats[]> {
      const filter = { id: id ?? "", podSandboxId: sandboxId ?? "", labelSelector: labels ?? {} };
      return (await call<{ stats: readonly cri.ContainerStats[] }>("ListContainerStats", { filter })).stats;
    },
    async reopenContainerLog(containerId: string): Promise<void> {
      await call("ReopenContainerLog", { containerId });
    },
  };
}

const execSlackMs = 10_000;

function streamingCalls(call: Call) {
  const url = async (method: string, request: object): Promise<string> =>
    (await call<{ url: string }>(method, request)).url;
  return {
    exec: (containerId: string, cmd: readonly string[], streams: StreamOptions) =>
      url("Exec", { containerId, cmd, ...streams }),
    attach: (containerId: string, streams: StreamOptions) => url("Attach", { containerId, ...streams }),
    portForward: (podSandboxId: string, port: readonly number[]) => url("PortForward", { podSandboxId, port }),
  };
}

/** containerd's and CRI-O's own words: the configuration, as JSON. */
function sandboxImageOf({ info }: StatusAnswer): string | undefined {
  try {
    const { sandboxImage } = JSON.parse(info["config"] ?? "{}") as { readonly sandboxImage?: string };
    return sandboxImage;
  } catch {
    return undefined;
  }
}

function imageService(channel: Channel, timeoutMs: number): Omit<ImageService, "sandboxImage"> {
  const call = callsOf(channel, "ImageService", timeoutMs);
  return {
    async listImages() {
      return (await call<{ images: readonly cri.Image[] }>("ListImages", {})).images;
    },
    async imageStatus(image) {
      return (await call<{ image: cri.Image | null }>("ImageStatus", { image: { image } })).image ?? undefined;
    },
    async pullImage(image, sandboxConfig, auth) {
      const request = { image: { image }, sandboxConfig, auth };
      return (await call<{ imageRef: string }>("PullImage", request, pullTimeoutMs)).imageRef;
    },
    async removeImage(image) {
      await call("RemoveImage", { image: { image } });
    },
    async imageFilesystems() {
      return (await call<{ imageFilesystems: readonly cri.FilesystemUsage[] }>("ImageFsInfo", {})).imageFilesystems;
    },
  };
}
