/** Security contexts of a pod and of its containers. */
import type {
  V1AppArmorProfile,
  V1PodSecurityContext,
  V1SeccompProfile,
  V1SecurityContext,
} from "@kubernetes/client-node";
import type { Causes } from "../../validation/causes.ts";
import { validateDescendingPath } from "../../validation/common.ts";
import type { Json } from "../../validation/json.ts";
import { unixId } from "../../validation/names.ts";
import type { PodSpec } from "./model.ts";
import { validateWindowsOptions } from "./windows.ts";

export function validatePodSecurity(spec: PodSpec, path: string, out: Causes): void {
  const context = spec.securityContext;
  if (!context) return;
  const at = `${path}.securityContext`;
  for (const field of ["fsGroup", "runAsUser", "runAsGroup"] as const) {
    const id = context[field];
    if (id !== undefined) out.invalidEach(`${at}.${field}`, id, unixId(id));
  }
  for (const [i, id] of (context.supplementalGroups ?? []).entries()) {
    out.invalidEach(`${at}.supplementalGroups[${i}]`, id, unixId(id));
  }
  if (spec.shareProcessNamespace && spec.hostPID) {
    const words = "ShareProcessNamespace and HostPID cannot both be enabled";
    // The internal version has these fields in the security context.
    out.invalid(`${at}.shareProcessNamespace`, true, words);
  }
  validateSysctls(context, spec, `${at}.sysctls`, out);
  validatePolicies(context, at, out);
  validateSeccomp(context.seccompProfile, `${at}.seccompProfile`, out);
  if (context.windowsOptions) validateWindowsOptions(context.windowsOptions, `${at}.windowsOptions`, out);
  validateAppArmor(context.appArmorProfile, `${at}.appArmorProfile`, out);
}

function validatePolicies(context: Json<V1PodSecurityContext>, at: string, out: Causes): void {
  const policies = [
    ["fsGroupChangePolicy", ["Always", "OnRootMismatch"]],
    ["supplementalGroupsPolicy", ["Merge", "Strict"]],
    ["seLinuxChangePolicy", ["MountOption", "Recursive"]],
  ] as const;
  for (const [field, supported] of policies) {
    const value = context[field];
    if (value !== undefined && !(supported as readonly string[]).includes(value)) {
      out.notSupported(`${at}.${field}`, value, supported);
    }
  }
}

const sysctl = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const sysctlPattern = `^(${sysctl}[\\./])*${sysctl}$`;
const sysctlName = new RegExp(sysctlPattern);
const maxSysctl = 253;
const ipcSysctls = /^(kernel\.shm|kernel\.msg|fs\.mqueue\.)|^kernel\.sem$/;

function validateSysctls(context: Json<V1PodSecurityContext>, spec: PodSpec, path: string, out: Causes): void {
  const seen = new Set<string>();
  for (const [i, { name = "" }] of (context.sysctls ?? []).entries()) {
    const at = `${path}[${i}].name`;
    if (name === "") out.required(at);
    else if (name.length > maxSysctl || !sysctlName.test(name)) {
      out.invalid(at, name, `must have at most ${maxSysctl} characters and match regex ${sysctlPattern}`);
    } else if (seen.has(name)) out.duplicate(at, name);
    const dotted = name.replaceAll("/", ".");
    if (spec.hostNetwork && dotted.startsWith("net.")) {
      out.invalid(at, name, "may not be specified when 'hostNetwork' is true");
    } else if (spec.hostIPC && ipcSysctls.test(dotted)) {
      out.invalid(at, name, "may not be specified when 'hostIPC' is true");
    }
    seen.add(name);
  }
}

/** @param hasHostUsers whether the pod has the host's user namespace */
export function validateContainerSecurity(
  context: Json<V1SecurityContext> | undefined,
  hasHostUsers: boolean,
  path: string,
  out: Causes,
): void {
  if (!context) return;
  for (const field of ["runAsUser", "runAsGroup"] as const) {
    const id = context[field];
    if (id !== undefined) out.invalidEach(`${path}.${field}`, id, unixId(id));
  }
  if (context.procMount !== undefined) {
    const at = `${path}.procMount`;
    if (!["Default", "Unmasked"].includes(context.procMount)) {
      out.notSupported(at, context.procMount, ["Default", "Unmasked"]);
    }
    if (hasHostUsers && context.procMount === "Unmasked") {
      out.invalid(at, context.procMount, "`hostUsers` must be false to use `Unmasked`");
    }
  }
  validateSeccomp(context.seccompProfile, `${path}.seccompProfile`, out);
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged) {
      out.invalid(path, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
    }
    if (context.capabilities?.add?.includes("CAP_SYS_ADMIN")) {
      const words = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
      out.invalid(path, context, words);
    }
  }
  if (context.windowsOptions) validateWindowsOptions(context.windowsOptions, `${path}.windowsOptions`, out);
  validateAppArmor(context.appArmorProfile, `${path}.appArmorProfile`, out);
}

const profileTypes: readonly string[] = ["Localhost", "RuntimeDefault", "Unconfined"];

function validateSeccomp(profile: Json<V1SeccompProfile> | undefined, path: string, out: Causes): void {
  if (!profile) return;
  const { type, localhostProfile } = profile;
  if (!type) out.required(`${path}.type`, "type is required when seccompProfile is set");
  else if (!profileTypes.includes(type)) out.notSupported(`${path}.type`, type, profileTypes);
  const at = `${path}.localhostProfile`;
  if (type !== "Localhost") {
    if (localhostProfile !== undefined) out.invalid(at, profile, "can only be set when seccomp type is Localhost");
  } else if (localhostProfile === undefined) out.required(at, "must be set when seccomp type is Localhost");
  else validateDescendingPath(localhostProfile, at, out);
}

/** PATH_MAX less the final zero. */
const maxProfilePath = 4095;

function validateAppArmor(profile: Json<V1AppArmorProfile> | undefined, path: string, out: Causes): void {
  if (!profile) return;
  const { type, localhostProfile } = profile;
  const at = `${path}.localhostProfile`;
  if (!type) return out.required(`${path}.type`, "type is required when appArmorProfile is set");
  if (!profileTypes.includes(type)) return out.notSupported(`${path}.type`, type, profileTypes);
  if (type !== "Localhost") {
    if (localhostProfile !== undefined) {
      out.invalid(at, localhostProfile, "can only be set when AppArmor type is Localhost");
    }
    return;
  }
  if (!localhostProfile) return out.required(at, "must be set when AppArmor type is Localhost");
  if (localhostProfile.trim() !== localhostProfile) {
    out.invalid(at, localhostProfile, "must not be padded with whitespace");
  }
  if (Buffer.byteLength(localhostProfile) > maxProfilePath) out.tooLong(at, maxProfilePath);
}
