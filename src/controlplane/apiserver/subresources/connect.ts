/** pods/{log,exec,attach,portforward,proxy}, services/proxy and nodes/proxy: passed on to who can answer them. */
import { text } from "node:stream/consumers";
import { Readable } from "node:stream";
import type { IncomingMessage } from "node:http";
import type { UpgradeHandler } from "../api_server.ts";
import type { ApiResponse, RequestContext } from "../context.ts";
import type { Routes, SubresourceHandlers } from "../routes.ts";
import { ApiError, invalid, notFound } from "../status.ts";
import { causesOf } from "../validation/causes.ts";
import type { Endpoint } from "../verbs/endpoint.ts";
import { Backend, returnedHeaders, type BackendOptions } from "./backend.ts";
import { defaultAddressTypes, kubeletOf, logPath, portForwardPath, streamPath } from "./kubelet_location.ts";
import type { Pod, Target } from "./kubelet_location.ts";
import { proxyTarget } from "./proxy_location.ts";

export interface ConnectOptions extends BackendOptions {
  /** --kubelet-preferred-address-types */
  readonly addressTypes?: readonly string[];
}

export interface Connect {
  readonly subresources: SubresourceHandlers;
  readonly upgrade: UpgradeHandler;
}

const streamed = new Set(["exec", "attach", "portforward"]);

export function connectHandlers(options: ConnectOptions): Connect {
  const backend = new Backend(options);
  const addressTypes = options.addressTypes ?? defaultAddressTypes;
  const upgradeOnly = { get: refuseWithoutUpgrade, create: refuseWithoutUpgrade };
  const proxy = async (_endpoint: Endpoint, context: RequestContext, routes: Routes): Promise<ApiResponse> =>
    proxied(backend, await proxyTarget(context, routes, addressTypes), context);
  const everyMethod = { get: proxy, watch: proxy, create: proxy, update: proxy, patch: proxy, delete: proxy };
  return {
    subresources: new Map<string, object>([
      [
        "pods/log",
        { get: (_: Endpoint, context: RequestContext, routes: Routes) => log(backend, context, routes, addressTypes) },
      ],
      ...[...streamed].map((name): [string, object] => [`pods/${name}`, upgradeOnly]),
      ...["pods", "services", "nodes"].map((plural): [string, object] => [`${plural}/proxy`, everyMethod]),
    ]) as SubresourceHandlers,
    async upgrade(routes, context, request, socket, head) {
      const target = await upgradeTarget(context, routes, addressTypes);
      await backend.join(target, request, socket, head);
    },
  };
}

function refuseWithoutUpgrade(): Promise<ApiResponse> {
  return Promise.reject(new ApiError("BadRequest", "Upgrade request required"));
}

async function upgradeTarget(
  context: RequestContext,
  routes: Routes,
  addressTypes: readonly string[],
): Promise<Target> {
  const { group, resource, subresource } = context.info;
  const isCore = group === "" && context.info.isResource;
  if (isCore && subresource === "proxy" && ["pods", "services", "nodes"].includes(resource)) {
    return proxyTarget(context, routes, addressTypes);
  }
  if (!isCore || resource !== "pods" || !streamed.has(subresource)) {
    throw new ApiError("BadRequest", "this path takes no upgrade");
  }
  const pod = await podOf(context, routes);
  const node = pod.spec?.nodeName;
  const path = subresource === "portforward" ? portForwardPath(pod, context) : streamPath(pod, context);
  if (!node) throw new ApiError("BadRequest", `pod ${pod.metadata.name} does not have a host assigned`);
  return { ...(await kubeletOf(routes, node, addressTypes)), secure: true, isKubelet: true, path };
}

async function podOf({ info }: RequestContext, routes: Routes): Promise<Pod> {
  return (await routes.find("", "v1", "pods")!.registry.get(info.namespace, info.name)).object;
}

async function log(
  backend: Backend,
  context: RequestContext,
  routes: Routes,
  addressTypes: readonly string[],
): Promise<ApiResponse> {
  const pod = await podOf(context, routes);
  checkLogOptions(context);
  const path = logPath(pod, context);
  const node = pod.spec?.nodeName;
  // Upstream: a pod that no node has yet has said nothing.
  if (!node) return { code: 200, contentType: "text/plain", body: Buffer.alloc(0) };
  const target = { ...(await kubeletOf(routes, node, addressTypes)), secure: true, isKubelet: true, path };
  const response = await backend.request(target, context, "GET").catch((error: unknown) => {
    const url = `https://${target.host}:${target.port}${path}`;
    throw new ApiError("InternalError", `Get "${url}": ${(error as Error).message}`);
  });
  await checkLog(response, context);
  return { code: 200, contentType: "text/plain", readable: response };
}

function checkLogOptions({ info, query }: RequestContext): void {
  const number = (name: string): number | undefined => (query.get(name) ? Number(query.get(name)) : undefined);
  const causes = causesOf((out) => {
    const tailLines = number("tailLines");
    if (tailLines !== undefined && !(tailLines >= 0))
      out.invalid("tailLines", tailLines, "must be greater than or equal to 0");
    for (const field of ["limitBytes", "sinceSeconds"]) {
      const value = number(field);
      if (value !== undefined && !(value >= 1)) out.invalid(field, value, "must be greater than 0");
    }
    if (query.get("sinceTime") && query.get("sinceSeconds")) {
      out.forbidden("sinceSeconds", "at most one of `sinceTime` or `sinceSeconds` may be specified");
    }
  });
  if (causes.length > 0) throw invalid({ group: "", plural: "pods", kind: "PodLogOptions" }, info.name, causes);
}

/** Longest refusal of a kubelet that is passed on. */
const maxRefusal = 10_000;

/** What a kubelet refuses, it says in plain text. @throws ApiError */
async function checkLog(response: IncomingMessage, { info }: RequestContext): Promise<void> {
  const code = response.statusCode ?? 500;
  if (code >= 200 && code <= 206) return;
  const words = (await text(Readable.from(upTo(response, maxRefusal)))).trim();
  if (code === 400) throw new ApiError("BadRequest", words);
  if (code === 404) {
    const { details } = notFound({ group: "", plural: "pods", kind: "Pod" }, info.name);
    throw new ApiError("NotFound", `the server could not find the requested resource ( pods/log ${info.name})`, {
      ...details,
      causes: [{ reason: "UnexpectedServerResponse", message: words }],
    });
  }
  if (code === 503) throw new ApiError("ServiceUnavailable", words);
  throw new ApiError("InternalError", `Internal error occurred: ${words}`);
}

async function* upTo(response: IncomingMessage, limit: number): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    yield part.subarray(0, limit - size);
    size += part.length;
    if (size >= limit) return;
  }
}

async function proxied(backend: Backend, target: Target, context: RequestContext): Promise<ApiResponse> {
  if (context.info.path.endsWith("/proxy") && (context.method === "GET" || context.method === "HEAD")) {
    return redirect(context);
  }
  let response: IncomingMessage;
  try {
    response = await backend.request(target, context);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError("ServiceUnavailable", `error trying to reach service: ${(error as Error).message}`);
  }
  const { "content-type": contentType = "", ...headers } = returnedHeaders(response);
  return { code: response.statusCode ?? 502, contentType: String(contentType), headers, readable: response };
}

/** Links of a page are relative to a path that ends with a slash. */
function redirect({ info, query }: RequestContext): ApiResponse {
  const search = query.toString();
  const location = `${info.path}/${search === "" ? "" : `?${search}`}`;
  return { code: 301, contentType: "text/plain", body: Buffer.alloc(0), headers: { Location: location } };
}
