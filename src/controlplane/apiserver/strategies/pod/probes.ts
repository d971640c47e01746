/** Probes and lifecycle handlers of a container. */
import type { V1HTTPGetAction } from "@kubernetes/client-node";
import type { Causes } from "../../validation/causes.ts";
import { validatePortNumberOrName } from "../../validation/common.ts";
import type { Json } from "../../validation/json.ts";
import { httpHeaderName } from "../../validation/names.ts";
import type { Container, Handler, Probe } from "./model.ts";

/** @param graceSeconds the pod's, which bounds how long a hook may sleep */
export function validateProbesAndLifecycle(
  container: Container,
  graceSeconds: number | undefined,
  path: string,
  out: Causes,
): void {
  const { lifecycle, livenessProbe, readinessProbe, startupProbe } = container;
  for (const hook of ["postStart", "preStop"] as const) {
    const handler = lifecycle?.[hook];
    if (handler) validateHandler(handler, graceSeconds, `${path}.lifecycle.${hook}`, out);
  }
  validateProbe(livenessProbe, `${path}.livenessProbe`, out);
  validateSuccessThreshold(livenessProbe, `${path}.livenessProbe`, out);
  validateProbe(readinessProbe, `${path}.readinessProbe`, out);
  if (readinessProbe?.terminationGracePeriodSeconds !== undefined) {
    out.invalid(
      `${path}.readinessProbe.terminationGracePeriodSeconds`,
      readinessProbe.terminationGracePeriodSeconds,
      "must not be set for readinessProbes",
    );
  }
  validateProbe(startupProbe, `${path}.startupProbe`, out);
  validateSuccessThreshold(startupProbe, `${path}.startupProbe`, out);
}

function validateSuccessThreshold(probe: Probe | undefined, path: string, out: Causes): void {
  if (probe && probe.successThreshold !== 1) {
    out.invalid(`${path}.successThreshold`, probe.successThreshold ?? 0, "must be 1");
  }
}

const counts = [
  "initialDelaySeconds",
  "timeoutSeconds",
  "periodSeconds",
  "successThreshold",
  "failureThreshold",
] as const;

function validateProbe(probe: Probe | undefined, path: string, out: Causes): void {
  if (!probe) return;
  validateHandler(probe, undefined, path, out);
  for (const field of counts) out.nonNegative(`${path}.${field}`, probe[field]);
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    out.invalid(`${path}.terminationGracePeriodSeconds`, grace, "must be greater than 0");
  }
}

const kinds = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] as const;

function validateHandler(
  handler: Handler & Pick<Probe, "grpc">,
  graceSeconds: number | undefined,
  path: string,
  out: Causes,
): void {
  const [kind, ...others] = kinds.filter((name) => handler[name] !== undefined);
  if (!kind) out.required(path, "must specify a handler type");
  for (const other of others) out.forbidden(`${path}.${other}`, "may not specify more than 1 handler type");
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  if (kind === "exec" && (exec?.command ?? []).length === 0) out.required(`${path}.exec.command`);
  if (kind === "httpGet") validateHttpGet(httpGet!, `${path}.httpGet`, out);
  if (kind === "tcpSocket") validatePortNumberOrName(tcpSocket!.port, `${path}.tcpSocket.port`, out);
  if (kind === "grpc") validatePortNumberOrName(grpc!.port, `${path}.grpc.port`, out);
  if (kind === "sleep") validateSleep(sleep!.seconds ?? 0, graceSeconds, `${path}.sleep`, out);
}

function validateHttpGet(action: Json<V1HTTPGetAction>, path: string, out: Causes): void {
  if (!action.path) out.required(`${path}.path`);
  validatePortNumberOrName(action.port, `${path}.port`, out);
  if (!["HTTP", "HTTPS"].includes(action.scheme ?? "")) {
    out.notSupported(`${path}.scheme`, action.scheme ?? "", ["HTTP", "HTTPS"]);
  }
  for (const { name = "" } of action.httpHeaders ?? []) {
    out.invalidEach(`${path}.httpHeaders`, name, httpHeaderName(name));
  }
}

function validateSleep(seconds: number, graceSeconds: number | undefined, path: string, out: Causes): void {
  if (graceSeconds === undefined || (seconds >= 0 && seconds <= graceSeconds)) return;
  out.invalid(path, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`);
}
