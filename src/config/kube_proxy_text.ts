/** A KubeProxyConfiguration as a file has it, defaults and all. */
import { stringify } from "yaml";
import { formatDuration } from "./duration.ts";
import type { KubeProxyConfiguration } from "./kube_proxy.ts";

const durations: ReadonlySet<string> = new Set([
  "syncPeriod",
  "minSyncPeriod",
  "tcpTimeout",
  "tcpFinTimeout",
  "udpTimeout",
  "udpStreamTimeout",
  "tcpEstablishedTimeout",
  "tcpCloseWaitTimeout",
  "configSyncPeriod",
]);

export function configText(config: KubeProxyConfiguration): string {
  return stringify(fields(config));
}

function fields(object: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, field(name, value)]));
}

function field(name: string, value: unknown): unknown {
  if (durations.has(name)) return formatDuration(value as number);
  if (name.endsWith("BindAddress") && typeof value === "object" && value !== null) return hostPortText(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return fields(value);
}

function hostPortText(value: object): string {
  const { host, port } = value as { readonly host: string; readonly port: number };
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
