/** The configuration that is in force, as /configz shows it: in the file's own form, with the defaults filled in. */
import { hostPort } from "../../model/address.ts";
import { formatDuration } from "../../config/duration.ts";
import type { KubeProxyConfiguration } from "../../config/kube_proxy.ts";

/** Fields that were read to ms. */
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

/** By the API group, as upstream; it holds no secret: credentials are in the kubeconfig that it names. */
export function configz(config: KubeProxyConfiguration): Readonly<Record<string, unknown>> {
  return { "kubeproxy.config.k8s.io": written("", config) };
}

function written(name: string, value: unknown): unknown {
  if (typeof value === "number" && durations.has(name)) return formatDuration(value);
  if (name.endsWith("BindAddress") && value === undefined) return "";
  if (Array.isArray(value) || typeof value !== "object" || value === null) return value;
  if (name.endsWith("BindAddress")) return bindAddress(value as { host: string; port: number });
  return Object.fromEntries(Object.entries(value).map(([field, inner]) => [field, written(field, inner)]));
}

function bindAddress({ host, port }: { readonly host: string; readonly port: number }): string {
  return hostPort(host, port);
}
