/** The kubelet's life as a process, or as a part of one. */
import { messageOf } from "../errors/message.ts";
import type { Client } from "../api/client.ts";
import type { KubeletConfiguration } from "../config/kubelet.ts";
import { unservedFields } from "../config/kubelet_unserved.ts";
import { CertificateMetrics } from "../kubelet/certificates/metrics.ts";
import { openNodeClient } from "../kubelet/certificates/open.ts";
import { runProgram } from "../kernel/real/programs.ts";
import { openRuntime } from "../kubelet/cri/grpc_runtime.ts";
import { startKubelet as startPods } from "../kubelet/kubelet.ts";
import { programTimeoutMs } from "../kubelet/volumes/mounts.ts";
import type { KubeletFlags } from "../kubelet/settings.ts";
import type { ProgramLog } from "../log/log.ts";
import { systemClock } from "../reconcile/clock.ts";
import { Closes, runPart, type RunningPart } from "./part.ts";

export interface KubeletProcessOptions {
  readonly config: KubeletConfiguration;
  readonly flags: KubeletFlags;
  /** Absent, with the client: static pods alone are run. */
  readonly kubeconfig?: string;
  readonly bootstrapKubeconfig?: string;
  readonly log: ProgramLog["log"];
  /** Default: one of its own, by the kubeconfig. */
  readonly client?: Client;
  /** Of that client and its certificate. */
  readonly clientMetrics?: CertificateMetrics;
}

/** What stopping waits for a kubelet that has not begun, or does not end, in ms. */
const stopMs = 5000;

/** Runs pods until SIGTERM or SIGINT. Containers go on: the next kubelet takes them as they are. */
export async function runKubelet(options: KubeletProcessOptions): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
  await runPart(startKubelet(options), stopped);
}

export function startKubelet(options: KubeletProcessOptions): RunningPart {
  const closes = new Closes();
  return { ready: begin(options, closes), stop: () => closes.all() };
}

async function begin(options: KubeletProcessOptions, closes: Closes): Promise<void> {
  const { config, flags, log } = options;
  for (const field of unservedFields(config)) log.warn({ field }, "this field has no effect yet");
  const onError = (attempted: string, error: unknown): void => {
    if (closes.isOver) return;
    log.warn({ err: messageOf(error) }, `cannot ${attempted}; it is tried again`);
  };
  const certificates = options.clientMetrics ?? new CertificateMetrics(() => systemClock.now());
  const { client, ready } = await clientOf(options, { certificates, closes, onError });
  const runtime = closes.own(
    openRuntime({
      endpoint: config.containerRuntimeEndpoint,
      timeoutMs: config.runtimeRequestTimeout,
      ...(config.imageServiceEndpoint === "" ? {} : { imageEndpoint: config.imageServiceEndpoint }),
    }),
  );
  const parts = {
    ...{ config, flags, runtime, certificates, clock: systemClock, onError, ready },
    runProgram: (argv: readonly [string, ...string[]]) => runProgram(argv, programTimeoutMs),
  };
  const started = startPods({ ...parts, ...(client ? { client } : {}) });
  closes.add(() => Promise.race([started.then((kubelet) => kubelet.stop()), timeout(stopMs)]));
  await (
    await started
  ).joined;
  log.info({ node: flags.nodeName }, "serving");
}

interface ClientParts {
  readonly certificates: CertificateMetrics;
  readonly closes: Closes;
  readonly onError: (attempted: string, error: unknown) => void;
}

async function clientOf(
  { client, kubeconfig, bootstrapKubeconfig, config, flags }: KubeletProcessOptions,
  { certificates, closes, onError }: ClientParts,
): Promise<{ readonly client?: Client; readonly ready: () => Promise<void> }> {
  const ready = (): Promise<void> => Promise.resolve();
  if (client) return { client, ready };
  if (kubeconfig === undefined) return { ready };
  const about = { nodeName: flags.nodeName, folder: flags.certDir, rotates: config.rotateCertificates };
  const parts = { clock: systemClock, metrics: certificates, onError };
  return closes.own(await openNodeClient({ ...about, ...parts, kubeconfig, bootstrapKubeconfig }));
}

function timeout(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
