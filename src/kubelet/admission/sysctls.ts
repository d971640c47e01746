/** Which sysctls a pod may set: those that are its own alone, and those that the administrator lets be (pkg/kubelet/sysctl). */
import type { Pod } from "../../model/kubernetes.ts";
import type { Rejection } from "./rejection.ts";

const safe = [
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.ping_group_range",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_wmem",
];

/** @param unsafe KubeletConfiguration's allowedUnsafeSysctls: names, and beginnings with "*" */
export function forbiddenSysctl({ spec }: Pod, unsafe: readonly string[]): Rejection | undefined {
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    const why = refusal(dotted(name), [...safe, ...unsafe.map(dotted)], spec);
    if (why !== undefined) return { reason: "SysctlForbidden", message: `forbidden sysctl: ${why}` };
  }
  return undefined;
}

function refusal(name: string, allowed: readonly string[], { hostNetwork, hostIPC }: Pod["spec"]): string | undefined {
  const isAllowed = allowed.some((one) => (one.endsWith("*") ? name.startsWith(one.slice(0, -1)) : one === name));
  if (!isAllowed) return `"${name}" not allowlisted`;
  const space = namespaceOf(name);
  const isHosts = (space === "net" && hostNetwork) || (space === "ipc" && hostIPC);
  return isHosts ? `"${name}" not allowed with host ${space} enabled` : undefined;
}

function namespaceOf(name: string): "ipc" | "net" | undefined {
  if (name.startsWith("net.")) return "net";
  const isIpc = name === "kernel.sem" || /^(kernel\.shm|kernel\.msg|fs\.mqueue\.)/.test(name);
  return isIpc ? "ipc" : undefined;
}

/** "net/ipv4/…": where the first sign between two words is a stroke, dots and strokes change places (sysctl.d(5)). */
function dotted(name: string): string {
  if (!/^[^./]*\//.test(name)) return name;
  return name.replace(/[./]/g, (sign) => (sign === "/" ? "." : "/"));
}
