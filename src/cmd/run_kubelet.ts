/** The kubelet's life as a process, or as a part of one. */
import { HttpClient } from "../api/http/http_client.ts";
import type { Client } from "../api/client.ts";
import type { KubeletConfiguration } from "../config/kubelet.ts";
import { unservedFields } from "../config/kubelet_unserved.ts";
import { openRuntime } from "../kubelet/cri/grpc_runtime.ts";
import { startKubelet as startPods } from "../kubelet/kubelet.ts";
import type { KubeletFlags } from "../kubelet/settings.ts";
import type { ProgramLog } from "../log/log.ts";
import { systemClock } from "../reconcile/clock.ts";
import { Closes, runPart, type RunningPart } from "./part.ts";

export interface KubeletProcessOptions {
  readonly config: KubeletConfiguration;
  readonly flags: KubeletFlags;
  /** Absent, with the client: static pods alone are run. */
  readonly kubeconfig?: string;
  readonly log: ProgramLog["log"];
  /** Default: one of its own, by the kubeconfig. */
  readonly client?: Client;
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
  const client = options.client ?? clientOf(options.kubeconfig, closes);
  const runtime = closes.own(
    openRuntime({
      endpoint: config.containerRuntimeEndpoint,
      timeoutMs: config.runtimeRequestTimeout,
      ...(config.imageServiceEndpoint === "" ? {} : { imageEndpoint: config.imageServiceEndpoint }),
    }),
  );
  const onError = (attempted: string, error: unknown): void => {
    if (closes.isOver) return;
    log.warn({ err: error instanceof Error ? error.message : String(error) }, `cannot ${attempted}; it is tried again`);
  };
  const started = startPods({ config, flags, runtime, clock: systemClock, onError, ...(client ? { client } : {}) });
  closes.add(() => Promise.race([started.then((kubelet) => kubelet.stop()), timeout(stopMs)]));
  await (
    await started
  ).joined;
  log.info({ node: flags.nodeName }, "serving");
}

function clientOf(kubeconfig: string | undefined, closes: Closes): HttpClient | undefined {
  return kubeconfig === undefined ? undefined : closes.own(new HttpClient({ kubeconfig, userAgent: "kubelet" }));
}

function timeout(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
