/** postStart and preStop (pkg/kubelet/lifecycle). */
import { setTimeout as sleep } from "node:timers/promises";
import type { ContainerSpec } from "../containers.ts";
import type { ProbeAnswer } from "../../probes/probe_state.ts";
import { runProbe, type ProbeTarget } from "../../probes/run_probe.ts";
import { nodeFacts, type StepRun } from "./run.ts";

export type Hook = NonNullable<NonNullable<ContainerSpec["lifecycle"]>["preStop"]>;

/** A hook that has no bound of its own: the longest that one may run, in s. */
const longestSeconds = 3600;

/** @param seconds bound of it; undefined: none of the pod's @returns what it failed by, as an Event shows it */
export async function runHook(
  run: StepRun,
  container: ContainerSpec,
  containerId: string,
  hook: Hook,
  seconds?: number,
): Promise<string | undefined> {
  const timeoutSeconds = Math.min(seconds ?? longestSeconds, longestSeconds);
  if (hook.sleep) {
    await sleep(Math.min(hook.sleep.seconds, timeoutSeconds) * 1000, undefined, { ref: false });
    return undefined;
  }
  const ip = nodeFacts(run).podIps[0] ?? "";
  const target = { runtime: run.deps.runtime, containerId, container, ip, timeoutSeconds };
  const { isGood, code, message } = await ask(run, hook, target);
  // Of what answers over HTTP the code does not count (pkg/kubelet/lifecycle/handlers.go, runHTTPHandler).
  return isGood || code !== undefined ? undefined : message;
}

/** Who was asked by HTTPS and speaks HTTP alone is asked so (ConsistentHTTPGetHandlers): old hooks went without TLS. */
async function ask({ deps }: StepRun, hook: Hook, target: ProbeTarget): Promise<ProbeAnswer> {
  const answer = await runProbe(hook, target);
  if (hook.httpGet?.scheme !== "HTTPS" || !answer.isPlainHttp) return answer;
  const plain = await runProbe({ ...hook, httpGet: { ...hook.httpGet, scheme: "HTTP" } }, target);
  if (plain.isGood || plain.code !== undefined) deps.metrics?.hookFellBack();
  return plain;
}
