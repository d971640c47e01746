/**
 * A container runtime as the kubelet sees it: CRI's two services. Every call is bounded in time, and throws a
 * FairleadError: CRI_NOT_FOUND, CRI_TIMEOUT, CRI_UNAVAILABLE, CRI_UNIMPLEMENTED, or CRI_REFUSED for all else.
 */
import type * as cri from "./messages.ts";

export interface SandboxFilter {
  readonly id?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ContainerFilter extends SandboxFilter {
  readonly sandboxId?: string;
}

export interface ContainerEvent {
  readonly containerId: string;
  /** When the runtime says that it was, in ms since 1970; absent: it does not. */
  readonly atMs?: number;
}

export interface ContainerEventObserver {
  /** Something about this container (or sandbox) changed. */
  onEvent(event: ContainerEvent): void;
  /** The stream is over; called once. */
  onEnd(error: unknown): void;
}

export interface RuntimeService {
  version(): Promise<cri.RuntimeVersion>;
  status(): Promise<cri.RuntimeStatus>;
  /** Which driver of control groups it uses; undefined: it does not say (before containerd 2 and CRI-O 1.28). */
  cgroupDriver(): Promise<"cgroupfs" | "systemd" | undefined>;

  /** @returns the sandbox's id */
  runPodSandbox(config: cri.PodSandboxConfig, handler?: string): Promise<string>;
  /** Ends its containers and gives its network back. Idempotent. */
  stopPodSandbox(id: string): Promise<void>;
  /** Idempotent. */
  removePodSandbox(id: string): Promise<void>;
  podSandboxStatus(id: string): Promise<cri.PodSandboxStatus>;
  listPodSandboxes(filter?: SandboxFilter): Promise<readonly cri.PodSandbox[]>;

  /** @param sandbox the configuration that the sandbox was run with @returns the container's id */
  createContainer(sandboxId: string, config: cri.ContainerConfig, sandbox: cri.PodSandboxConfig): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** Resolves when it has ended: by itself, or killed after the grace period. Idempotent. */
  stopContainer(id: string, graceSeconds: number): Promise<void>;
  /** Idempotent; ends it where it runs. */
  removeContainer(id: string): Promise<void>;
  containerStatus(id: string): Promise<cri.ContainerStatus>;
  listContainers(filter?: ContainerFilter): Promise<readonly cri.Container[]>;

  /** Runs a command to its end. @throws CRI_TIMEOUT where it takes longer than the time, which ends it */
  execSync(id: string, command: readonly string[], timeoutSeconds: number): Promise<cri.ExecResult>;
  reopenContainerLog(id: string): Promise<void>;
  /** Of containers that run. */
  listContainerStats(filter?: ContainerFilter): Promise<readonly cri.ContainerStats[]>;

  /** URLs of the runtime's own streaming server, each for one use. */
  exec(id: string, command: readonly string[], streams: StreamOptions): Promise<string>;
  attach(id: string, streams: StreamOptions): Promise<string>;
  portForward(sandboxId: string, ports: readonly number[]): Promise<string>;

  /** Tells of changes from now on, where the runtime can. @returns how to stop */
  watchContainers(observer: ContainerEventObserver): () => void;
}

export interface StreamOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export interface ImageService {
  listImages(): Promise<readonly cri.Image[]>;
  /** @returns undefined where the image is not there */
  imageStatus(image: string): Promise<cri.Image | undefined>;
  /** @returns the image's reference */
  pullImage(image: string, sandbox: cri.PodSandboxConfig | undefined, auth?: cri.AuthConfig): Promise<string>;
  /** Idempotent. */
  removeImage(image: string): Promise<void>;
  /** What sandboxes are made of, by its name; undefined: the runtime does not say. */
  sandboxImage(): Promise<string | undefined>;
  imageFilesystems(): Promise<readonly cri.FilesystemUsage[]>;
}

export type Runtime = RuntimeService & ImageService;
