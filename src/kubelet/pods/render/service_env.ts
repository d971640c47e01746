/** Services as variables, as Docker's links had them (pkg/kubelet/envvars). */
import { urlHost } from "../../../model/address.ts";
import type { Service } from "../../../model/kubernetes.ts";

const masterNamespace = "default";
const masterService = "kubernetes";

/** @param linksAll the pod's enableServiceLinks; without, only the API server's is there */
export function serviceEnvironment(
  services: readonly Service[],
  namespace: string,
  linksAll: boolean,
): ReadonlyMap<string, string> {
  const result = new Map<string, string>();
  for (const service of services) {
    const { name, namespace: of } = service.metadata;
    const isMaster = of === masterNamespace && name === masterService;
    if (isMaster || (linksAll && of === namespace)) addService(service, result);
  }
  return result;
}

function addService({ metadata, spec }: Service, result: Map<string, string>): void {
  const ip = spec.clusterIP;
  if (ip === undefined || ip === "" || ip === "None") return;
  const prefix = metadata.name.toUpperCase().replaceAll("-", "_");
  const ports = spec.ports ?? [];
  result.set(`${prefix}_SERVICE_HOST`, ip);
  for (const [i, { name, port }] of ports.entries()) {
    if (i === 0) result.set(`${prefix}_SERVICE_PORT`, String(port));
    if (name) result.set(`${prefix}_SERVICE_PORT_${name.toUpperCase().replaceAll("-", "_")}`, String(port));
  }
  for (const [i, { port, protocol = "TCP" }] of ports.entries()) {
    const host = urlHost(ip);
    const url = `${protocol.toLowerCase()}://${host}:${port}`;
    if (i === 0) result.set(`${prefix}_PORT`, url);
    const link = `${prefix}_PORT_${port}_${protocol}`;
    result.set(link, url);
    result.set(`${link}_PROTO`, protocol.toLowerCase());
    result.set(`${link}_PORT`, String(port));
    result.set(`${link}_ADDR`, ip);
  }
}
