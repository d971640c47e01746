/** Where a node's kubelet is, and which of its paths a pod's subresource leads to (registry/core/pod/strategy.go). */
import type { V1Node, V1Pod } from "@kubernetes/client-node";
import type { RequestContext } from "../context.ts";
import { isTrue } from "../request/info.ts";
import type { ApiObject } from "../resources/resource.ts";
import type { Routes } from "../routes.ts";
import { ApiError } from "../status.ts";
import type { Json } from "../validation/json.ts";

type Node = ApiObject & Json<Pick<V1Node, "status">>;
export type Pod = ApiObject & Json<Pick<V1Pod, "spec" | "status">>;

export interface Target {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** With its query. */
  readonly path: string;
  /** Whether the kubelet itself is asked, with the server's client certificate. */
  readonly isKubelet: boolean;
}

export type KubeletAddress = Pick<Target, "host" | "port">;

/** --kubelet-preferred-address-types: kubeadm's order, for a host's name is often known to itself alone. */
export const defaultAddressTypes = ["InternalIP", "ExternalIP", "InternalDNS", "ExternalDNS", "Hostname"];
const defaultKubeletPort = 10_250;

/** @throws ApiError 404, 500 */
export async function kubeletOf(
  routes: Routes,
  node: string,
  addressTypes: readonly string[],
): Promise<KubeletAddress> {
  const { status } = (await routes.find("", "v1", "nodes")!.registry.get("", node)).object as Node;
  const addresses = status?.addresses ?? [];
  for (const type of addressTypes) {
    const host = addresses.find((address) => address.type === type)?.address;
    if (host) return { host, port: status?.daemonEndpoints?.kubeletEndpoint?.Port || defaultKubeletPort };
  }
  const known = addresses.map(({ type, address }) => `{${type} ${address}}`).join(" ");
  throw new ApiError(
    "InternalError",
    `Internal error occurred: no preferred addresses found; known addresses: [${known}]`,
  );
}

/** The container that is asked for; the only one where none is named. @throws ApiError 400 in upstream's words */
export function containerOf(pod: Pod, asked: string): string {
  const name = pod.metadata.name ?? "";
  const names = (list: readonly { readonly name?: string | undefined }[] = []): string[] =>
    list.map((one) => one.name ?? "");
  const containers = names(pod.spec?.containers);
  const init = names(pod.spec?.initContainers);
  if (asked !== "") {
    if ([...containers, ...init, ...names(pod.spec?.ephemeralContainers)].includes(asked)) return asked;
    throw new ApiError("BadRequest", `container ${asked} is not valid for pod ${name}`);
  }
  if (containers.length === 1) return containers[0]!;
  if (containers.length === 0) throw new ApiError("BadRequest", `a container name must be specified for pod ${name}`);
  const choice = `a container name must be specified for pod ${name}, choose one of: [${containers.join(" ")}]`;
  throw new ApiError(
    "BadRequest",
    init.length === 0 ? choice : `${choice} or one of the init containers: [${init.join(" ")}]`,
  );
}

const streams = [
  ["stdin", "input"],
  ["stdout", "output"],
  ["stderr", "error"],
  ["tty", "tty"],
] as const;

/** The kubelet's path for exec and attach: its own names of the streams. */
export function streamPath(pod: Pod, context: RequestContext): string {
  const { query, info } = context;
  const container = containerOf(pod, query.get("container") ?? "");
  const asked = new URLSearchParams();
  for (const [ours, kubelets] of streams) {
    if (query.has(ours) && isTrue(query.get(ours))) asked.set(kubelets, "1");
  }
  for (const word of query.getAll("command")) asked.append("command", word);
  return `${podPath(info.subresource, pod)}/${encodeURIComponent(container)}?${asked.toString()}`;
}

export function portForwardPath(pod: Pod, { query }: RequestContext): string {
  const ports = query.getAll("ports");
  const asked = ports.length === 0 ? "" : `?${new URLSearchParams({ port: ports.join(",") }).toString()}`;
  return `${podPath("portForward", pod)}${asked}`;
}

const logParameters = ["follow", "previous", "timestamps", "sinceSeconds", "sinceTime", "tailLines", "limitBytes"];

export function logPath(pod: Pod, { query }: RequestContext): string {
  const container = containerOf(pod, query.get("container") ?? "");
  const asked = new URLSearchParams();
  for (const name of logParameters) {
    const value = query.get(name);
    if (value !== null && value !== "" && value !== "false") asked.set(name, value);
  }
  const stream = query.get("stream");
  if (stream && stream !== "All") asked.set("stream", stream);
  const tail = asked.size === 0 ? "" : `?${asked.toString()}`;
  return `${podPath("containerLogs", pod)}/${encodeURIComponent(container)}${tail}`;
}

function podPath(what: string, { metadata }: Pod): string {
  return `/${what}/${encodeURIComponent(metadata.namespace ?? "")}/${encodeURIComponent(metadata.name ?? "")}`;
}
