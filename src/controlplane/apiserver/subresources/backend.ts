/** Connections from the server to kubelets, pods and endpoints: requests that are passed on, and whole connections. */
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import net from "node:net";
import { pipeline, type Duplex } from "node:stream";
import tls from "node:tls";
import { hostPort } from "../../../model/address.ts";
import type { RequestContext } from "../context.ts";
import { ApiError } from "../status.ts";
import type { Target } from "./kubelet_location.ts";

/** --kubelet-client-certificate, --kubelet-client-key, --kubelet-certificate-authority; all PEM. */
export interface KubeletCredentials {
  readonly cert?: string;
  readonly key?: string;
  /** Absent: kubelets' serving certificates are not verified, as upstream without the flag. */
  readonly ca?: string;
}

export interface BackendOptions {
  /** Asked anew for every connection: certificates are renewed while the server runs. */
  readonly kubeletCredentials: () => Promise<KubeletCredentials> | KubeletCredentials;
  /** Kubelets are asked over plain HTTP: for tests on loopback alone. */
  readonly plainHttp?: boolean;
  /** Upgraded connections at one time; one more gets 429. Default 1,000. */
  readonly maxConnections?: number;
}

/** Time for a connection to be made, in ms. */
const connectTimeoutMs = 10_000;
/** Headers that concern one connection alone (RFC 9110, 7.6.1), and those that are for us. */
const ownHeaders = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "authorization",
  "host",
  "http2-settings",
]);
const joinedListeners = 30;
const tokenProtocol = "base64url.bearer.authorization.k8s.io.";

export class Backend {
  readonly #options: BackendOptions;
  #connections = 0;

  constructor(options: BackendOptions) {
    this.#options = options;
  }

  /** Passes a request on. @throws the connection's error */
  async request(target: Target, context: RequestContext, method = context.method): Promise<IncomingMessage> {
    const body = method === "GET" || method === "HEAD" ? undefined : await context.body();
    const options = {
      method,
      host: target.host,
      port: target.port,
      path: target.path,
      headers: { ...passedHeaders(context), host: hostOf(target), ...(body ? { "content-length": body.length } : {}) },
      // A request whose body has been read counts as closed: only without one does the signal mean that the client is gone.
      ...(body ? {} : { signal: context.signal }),
      agent: false as const,
    };
    const secure = this.#isSecure(target);
    const credentials = secure ? await this.#tlsOptions(target) : {};
    return new Promise((resolve, reject) => {
      const request = secure ? https.request({ ...options, ...credentials }) : http.request(options);
      request.setTimeout(connectTimeoutMs, () => {
        if (!request.socket || request.socket.connecting) request.destroy(new Error("i/o timeout"));
      });
      request.once("error", reject);
      request.once("response", resolve);
      request.end(body);
    });
  }

  /**
   * Joins a client's connection with one to the target, byte for byte, once the request that asks for
   * the upgrade has been passed on; what the target answers is what the client gets.
   *
   * @throws ApiError 429, 500
   */
  async join(target: Target, request: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    if (this.#connections >= (this.#options.maxConnections ?? 1000)) {
      throw new ApiError("TooManyRequests", "Too many requests, please try again later.", { retryAfterSeconds: 1 });
    }
    this.#connections++;
    const done = (): void => void this.#connections--;
    let backend: net.Socket;
    try {
      backend = await this.#connect(target);
    } catch (error) {
      done();
      throw new ApiError("InternalError", `error dialing backend: ${(error as Error).message}`);
    }
    backend.write(requestHead(target, request));
    backend.write(head);
    backend.once("close", done);
    // Two pipelines listen for more of either end than node's default takes for a leak.
    for (const end of [client, backend]) end.setMaxListeners(joinedListeners);
    pipeline(client, backend, () => client.destroy());
    pipeline(backend, client, () => backend.destroy());
  }

  async #connect(target: Target): Promise<net.Socket> {
    const { host, port } = target;
    const socket = this.#isSecure(target)
      ? tls.connect({ host, port, ALPNProtocols: ["http/1.1"], ...(await this.#tlsOptions(target)) })
      : net.connect({ host, port });
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => socket.destroy(new Error("i/o timeout")), connectTimeoutMs);
      socket.once("error", (error: Error) => {
        clearTimeout(timer);
        reject(error);
      });
      socket.once("encrypted" in socket ? "secureConnect" : "connect", () => {
        clearTimeout(timer);
        socket.setNoDelay(true);
        resolve(socket);
      });
    });
  }

  #isSecure(target: Target): boolean {
    return target.isKubelet ? !this.#options.plainHttp : target.secure;
  }

  /** Only a kubelet sees the server's certificate; what pods serve is not verified, as upstream. */
  async #tlsOptions(target: Target): Promise<tls.ConnectionOptions> {
    const servername = net.isIP(target.host) === 0 ? { servername: target.host } : {};
    if (!target.isKubelet) return { ...servername, rejectUnauthorized: false };
    const { cert, key, ca } = await this.#options.kubeletCredentials();
    return {
      ...servername,
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
    };
  }
}

function passedHeaders({ headers }: RequestContext): http.OutgoingHttpHeaders {
  const passed: http.OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || isOwn(name)) continue;
    passed[name] = value;
  }
  return passed;
}

/** Names of HTTP/2's own and of who asks stay here: a backend would take the latter for the server's word. */
function isOwn(name: string): boolean {
  return name.startsWith(":") || name.startsWith("impersonate-") || ownHeaders.has(name) || name === "content-length";
}

/** Headers of a response that are the client's. */
export function returnedHeaders(response: IncomingMessage): Record<string, string | readonly string[]> {
  const returned: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined && !ownHeaders.has(name)) returned[name] = value;
  }
  return returned;
}

/** The request as the client wrote it, but for its path and who it says it is. */
function requestHead(target: Target, request: IncomingMessage): string {
  const lines = [`${request.method} ${target.path} HTTP/1.1`, `Host: ${hostOf(target)}`];
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i]!;
    const lower = name.toLowerCase();
    const isKept = lower === "connection" || lower === "upgrade" || lower === "content-length" || !isOwn(lower);
    const value =
      lower === "sec-websocket-protocol" ? withoutToken(request.rawHeaders[i + 1]!) : request.rawHeaders[i + 1]!;
    if (isKept && value !== "") lines.push(`${name}: ${value}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}

function withoutToken(protocols: string): string {
  const all = protocols.split(",").map((protocol) => protocol.trim());
  return all.filter((protocol) => !protocol.startsWith(tokenProtocol)).join(", ");
}

function hostOf({ host, port }: Target): string {
  return hostPort(host, port);
}
