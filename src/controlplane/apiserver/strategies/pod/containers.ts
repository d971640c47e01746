/** Containers of a pod: those that run, those that run before, and those added to look inside. */
import type { V1ContainerPort, V1ContainerResizePolicy } from "@kubernetes/client-node";
import type { Causes } from "../../validation/causes.ts";
import { protocols } from "../../validation/common.ts";
import type { Json } from "../../validation/json.ts";
import { dns1123Label, portName, portNumber } from "../../validation/names.ts";
import { validateContainerResources } from "../../validation/resources.ts";
import { validateEnv, validateEnvFrom } from "./env.ts";
import { isSidecar, type Container, type PodSpec } from "./model.ts";
import { validateMounts, type Volumes } from "./mounts.ts";
import { validateProbesAndLifecycle } from "./probes.ts";
import { validateContainerSecurity } from "./security.ts";

/** What a container's checks need of its pod. */
export interface ContainerContext {
  readonly volumes: Volumes;
  /** Names of the pod's resource claims. */
  readonly claims: ReadonlySet<string>;
  readonly hasHostUsers: boolean;
  readonly restartPolicy: string | undefined;
}

export function validateContainers(spec: PodSpec, context: ContainerContext, path: string, out: Causes): void {
  const { containers = [], initContainers = [], terminationGracePeriodSeconds: grace } = spec;
  const at = `${path}.containers`;
  if (containers.length === 0) out.required(at);
  const names = new Set<string>();
  for (const [i, container] of containers.entries()) {
    const here = `${at}[${i}]`;
    validateContainer(container, context, here, out);
    if (names.has(container.name ?? "")) out.duplicate(`${here}.name`, container.name ?? "");
    names.add(container.name ?? "");
    validateProbesAndLifecycle(container, grace, here, out);
    if (container.restartPolicy !== undefined) {
      out.forbidden(`${here}.restartPolicy`, "may not be set for non-init containers");
    }
  }
  validateHostPortsUnique(containers, at, out);
  validateInitContainers(initContainers, names, context, grace, `${path}.initContainers`, out);
  validateEphemeralContainers(spec, context, `${path}.ephemeralContainers`, out);
}

const sidecarOnly = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const;

function validateInitContainers(
  containers: readonly Container[],
  names: Set<string>,
  context: ContainerContext,
  graceSeconds: number | undefined,
  path: string,
  out: Causes,
): void {
  for (const [i, container] of containers.entries()) {
    const at = `${path}[${i}]`;
    validateContainer(container, context, at, out);
    const { restartPolicy, name = "" } = container;
    if (restartPolicy !== undefined && restartPolicy !== "Always") {
      out.notSupported(`${at}.restartPolicy`, restartPolicy, ["Always"]);
    }
    if (names.has(name)) out.duplicate(`${at}.name`, name);
    else if (name !== "") names.add(name);
    // They run one by one: each has the host's ports to itself.
    validateHostPortsUnique([container], path, out);
    if (isSidecar(container)) validateProbesAndLifecycle(container, graceSeconds, at, out);
    else {
      for (const field of sidecarOnly) {
        if (!container[field]) continue;
        out.forbidden(`${at}.${field}`, "may not be set for init containers without restartPolicy=Always");
      }
    }
  }
}

const notEphemeral = [
  "ports",
  "resources",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "lifecycle",
  "resizePolicy",
  "restartPolicy",
] as const;
const ephemeralWords = "cannot be set for an Ephemeral Container";

function validateEphemeralContainers(spec: PodSpec, context: ContainerContext, path: string, out: Causes): void {
  const others = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ name = "" }) => name);
  const names = new Set(others);
  for (const [i, container] of (spec.ephemeralContainers ?? []).entries()) {
    const at = `${path}[${i}]`;
    const { name = "", targetContainerName: target } = container;
    validateContainer(container, context, at, out);
    validateImageText(container, at, out);
    if (names.has(name)) out.duplicate(`${at}.name`, name);
    names.add(name);
    if (target && !others.includes(target)) out.notFound(`${at}.targetContainerName`, target);
    for (const field of notEphemeral) {
      const value = container[field];
      const isSet = typeof value === "object" ? Object.keys(value).length > 0 : value !== undefined;
      if (isSet) out.forbidden(`${at}.${field}`, ephemeralWords);
    }
    for (const [j, mount] of (container.volumeMounts ?? []).entries()) {
      for (const field of ["subPath", "subPathExpr"] as const) {
        if (mount[field]) out.forbidden(`${at}.volumeMounts[${j}].${field}`, ephemeralWords);
      }
    }
  }
}

const messagePolicies: readonly string[] = ["File", "FallbackToLogsOnError"];
const pullPolicies: readonly string[] = ["Always", "IfNotPresent", "Never"];

/** What holds for every container. */
function validateContainer(container: Container, context: ContainerContext, path: string, out: Causes): void {
  if (!container.name) out.required(`${path}.name`);
  else out.invalidEach(`${path}.name`, container.name, dns1123Label(container.name));
  if (!container.image) out.required(`${path}.image`);
  out.enum(`${path}.terminationMessagePolicy`, container.terminationMessagePolicy, messagePolicies);
  validatePorts(container.ports ?? [], `${path}.ports`, out);
  validateEnv(container.env ?? [], `${path}.env`, out);
  validateEnvFrom(container.envFrom ?? [], `${path}.envFrom`, out);
  validateMounts(container, context.volumes, path, out);
  out.enum(`${path}.imagePullPolicy`, container.imagePullPolicy, pullPolicies);
  validateContainerResources(container.resources, context.claims, `${path}.resources`, out);
  validateResizePolicy(container.resizePolicy ?? [], context.restartPolicy, `${path}.resizePolicy`, out);
  validateContainerSecurity(container.securityContext, context.hasHostUsers, `${path}.securityContext`, out);
}

/** Of pods alone; in templates upstream has always let it be. */
export function validateImageText({ image = "" }: Container, path: string, out: Causes): void {
  if (image.trim() !== image) out.invalid(`${path}.image`, image, "must not have leading or trailing whitespace");
}

function validatePorts(ports: readonly Json<V1ContainerPort>[], path: string, out: Causes): void {
  const names = new Set<string>();
  for (const [i, { name, containerPort, hostPort, protocol }] of ports.entries()) {
    const at = `${path}[${i}]`;
    if (name) {
      const messages = portName(name);
      if (messages.length > 0) out.invalidEach(`${at}.name`, name, messages);
      else if (names.has(name)) out.duplicate(`${at}.name`, name);
      else names.add(name);
    }
    if (!containerPort) out.required(`${at}.containerPort`);
    else out.invalidEach(`${at}.containerPort`, containerPort, portNumber(containerPort));
    if (hostPort) out.invalidEach(`${at}.hostPort`, hostPort, portNumber(hostPort));
    out.enum(`${at}.protocol`, protocol, protocols);
  }
}

function validateHostPortsUnique(containers: readonly Container[], path: string, out: Causes): void {
  const taken = new Set<string>();
  for (const [i, { ports = [] }] of containers.entries()) {
    for (const [j, { hostPort, protocol = "", hostIP = "" }] of ports.entries()) {
      if (!hostPort) continue;
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (taken.has(key)) out.duplicate(`${path}[${i}].ports[${j}].hostPort`, key);
      taken.add(key);
    }
  }
}

type ResizePolicy = Json<V1ContainerResizePolicy>;

function validateResizePolicy(
  policies: readonly ResizePolicy[],
  podRestartPolicy: string | undefined,
  path: string,
  out: Causes,
): void {
  const seen = new Set<string>();
  for (const [i, { resourceName = "", restartPolicy = "" }] of policies.entries()) {
    if (seen.has(resourceName)) out.duplicate(`${path}[${i}]`, resourceName);
    seen.add(resourceName);
    out.enum(path, resourceName, ["cpu", "memory"]);
    out.enum(path, restartPolicy, ["NotRequired", "RestartContainer"]);
    if (podRestartPolicy === "Never" && restartPolicy !== "NotRequired") {
      out.invalid(path, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'");
    }
  }
}
