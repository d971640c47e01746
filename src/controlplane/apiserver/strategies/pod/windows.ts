/** What belongs to one operating system and not to the other. */
import type { V1WindowsSecurityContextOptions } from "@kubernetes/client-node";
import type { Causes } from "../../validation/causes.ts";
import type { Json } from "../../validation/json.ts";
import { dns1123Subdomain } from "../../validation/names.ts";
import { allContainers, type PodSpec } from "./model.ts";

type WindowsOptions = Json<V1WindowsSecurityContextOptions>;

const maxCredentialKib = 64;

export function validateWindowsOptions(options: WindowsOptions, path: string, out: Causes): void {
  const { gmsaCredentialSpecName: name, gmsaCredentialSpec: credential, runAsUserName: user } = options;
  if (name !== undefined) out.invalidEach(`${path}.gmsaCredentialSpecName`, name, dns1123Subdomain(name));
  if (credential === "") {
    out.invalid(`${path}.gmsaCredentialSpec`, credential, "gmsaCredentialSpec cannot be an empty string");
  } else if (credential !== undefined && Buffer.byteLength(credential) > maxCredentialKib * 1024) {
    const words = `gmsaCredentialSpec size must be under ${maxCredentialKib} KiB`;
    out.invalid(`${path}.gmsaCredentialSpec`, credential, words);
  }
  if (user !== undefined) out.invalidEach(`${path}.runAsUserName`, user, windowsUserName(user));
}

const netBiosDomain = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const dnsDomain = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;

function windowsUserName(name: string): string[] {
  if (name === "") return ["runAsUserName cannot be an empty string"];
  if (/\p{Cc}/u.test(name)) return ["runAsUserName cannot contain control characters"];
  const parts = name.split("\\");
  if (parts.length > 2) return ["runAsUserName cannot contain more than one backslash"];
  const user = parts.at(-1)!;
  const domain = parts.length === 2 ? parts[0]! : undefined;
  const messages: string[] = [];
  if ((domain ?? "").length >= 256) messages.push("runAsUserName's Domain length must be under 256 characters");
  if (domain !== undefined && !netBiosDomain.test(domain) && !dnsDomain.test(domain)) {
    messages.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  }
  if (user === "") messages.push("runAsUserName's User cannot be empty");
  if (user.length > 104) messages.push("runAsUserName's User length must not be longer than 104 characters");
  if (/^[. ]+$/.test(user)) messages.push("runAsUserName's User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) {
    messages.push(`runAsUserName's User cannot contain the following characters: "/\\:;|=,+*?<>@[]`);
  }
  return messages;
}

/** Containers that run on the host itself: all of a pod or none, with the host's network. */
export function validateHostProcess(spec: PodSpec, path: string, out: Causes): void {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  const containers = allContainers(spec, path);
  let count = 0;
  for (const [{ securityContext }, at] of containers) {
    const own = securityContext?.windowsOptions?.hostProcess;
    if (ofPod !== undefined && own !== undefined && ofPod !== own) {
      const words = `pod hostProcess value must be identical if both are specified, was ${ofPod}`;
      out.invalid(`${at}.securityContext.windowsOptions.hostProcess`, own, words);
    }
    if (own ?? ofPod) count++;
  }
  if (count === 0) return;
  if (count !== containers.length) {
    const words = "If pod contains any hostProcess containers then all containers must be HostProcess containers";
    out.invalid(path, "", words);
  }
  if (!spec.hostNetwork) {
    const words = "hostNetwork must be true if pod contains any hostProcess containers";
    out.invalid(`${path}.hostNetwork`, false, words);
  }
}

const podFields = ["hostUsers", "hostPID", "hostIPC", "shareProcessNamespace"] as const;
const podContextFields = [
  "appArmorProfile",
  "seLinuxOptions",
  "seccompProfile",
  "fsGroup",
  "fsGroupChangePolicy",
  "sysctls",
  "runAsUser",
  "runAsGroup",
  "supplementalGroups",
  "supplementalGroupsPolicy",
  "seLinuxChangePolicy",
] as const;
const containerContextFields = [
  "appArmorProfile",
  "seLinuxOptions",
  "seccompProfile",
  "capabilities",
  "readOnlyRootFilesystem",
  "privileged",
  "allowPrivilegeEscalation",
  "procMount",
  "runAsUser",
  "runAsGroup",
] as const;

export function validateOs(spec: PodSpec, path: string, out: Causes): void {
  if (!spec.os) return;
  const { name } = spec.os;
  if (!name) return out.required(`${path}.os.name`, "cannot be empty");
  if (name === "linux") return validateLinux(spec, path, out);
  if (name === "windows") return validateWindows(spec, path, out);
  out.notSupported(`${path}.os`, name, ["linux", "windows"]);
}

function validateLinux(spec: PodSpec, path: string, out: Causes): void {
  const words = "windows options cannot be set for a linux pod";
  if (spec.securityContext?.windowsOptions) out.forbidden(`${path}.securityContext.windowsOptions`, words);
  for (const [{ securityContext }, at] of allContainers(spec, path)) {
    if (securityContext?.windowsOptions) out.forbidden(`${at}.securityContext.windowsOptions`, words);
  }
}

function validateWindows(spec: PodSpec, path: string, out: Causes): void {
  const words = "cannot be set for a windows pod";
  for (const field of podFields) if (spec[field]) out.forbidden(`${path}.${field}`, words);
  for (const field of podContextFields) {
    if (spec.securityContext?.[field] !== undefined) out.forbidden(`${path}.securityContext.${field}`, words);
  }
  for (const [{ securityContext }, at] of allContainers(spec, path)) {
    for (const field of containerContextFields) {
      if (securityContext?.[field] !== undefined) out.forbidden(`${at}.securityContext.${field}`, words);
    }
  }
}
