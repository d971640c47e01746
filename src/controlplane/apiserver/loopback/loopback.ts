/** The server's own requests, without a connection: the same path as a client's behind authorization. */
import type { ApiRequest } from "../../../api/request_client.ts";
import type { Fence } from "../../store/store.ts";
import type { ApiResponse, RequestContext, User } from "../context.ts";
import { Discovery } from "../discovery/discovery.ts";
import { requestInfo } from "../request/info.ts";
import type { ApiObject } from "../resources/resource.ts";
import { noSuchPath, type Routes } from "../routes.ts";
import { ApiError } from "../status.ts";

/** Upstream's loopback client. */
export const loopbackUser: User = { name: "system:apiserver", groups: ["system:authenticated", "system:masters"] };

/** Who asks: the user, and the name that managedFields and logs show. */
export interface Requester {
  readonly user: User;
  readonly userAgent: string;
  /** Its writes are refused where it is down. */
  readonly fence?: Fence | undefined;
}

export class Loopback {
  readonly #routes: Routes;
  readonly #requester: Requester;
  #discovery: Discovery | undefined;

  constructor(routes: Routes, requester: Requester = { user: loopbackUser, userAgent: "kube-apiserver" }) {
    this.#routes = routes;
    this.#requester = requester;
  }

  /** @returns undefined where it is not there */
  async get(path: string): Promise<ApiObject | undefined> {
    try {
      return await this.request({ method: "GET", path });
    } catch (error) {
      if (error instanceof ApiError && error.reason === "NotFound") return undefined;
      throw error;
    }
  }

  /** @returns false where somebody else was first */
  async create(path: string, object: object): Promise<boolean> {
    try {
      await this.request({ method: "POST", path, body: object });
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.reason === "AlreadyExists") return false;
      throw error;
    }
  }

  async update(path: string, object: object): Promise<ApiObject> {
    return this.request({ method: "PUT", path, body: object });
  }

  /** @returns the JSON that answers. @throws ApiError */
  async request(request: ApiRequest): Promise<ApiObject> {
    const response = await this.#handle(contextOf(request, this.#requester));
    if (!("body" in response)) throw new Error(`${request.path} answered with a stream`);
    const { body } = response;
    const bytes = Buffer.isBuffer(body) ? body : Buffer.concat(body);
    return JSON.parse(bytes.toString()) as ApiObject;
  }

  /** Besides resources, what there is of them (discovery). */
  async #handle(context: RequestContext): Promise<ApiResponse> {
    if (context.info.isResource) return this.#routes.handle(context);
    this.#discovery ??= new Discovery(this.#routes);
    const response = this.#discovery.respond(context);
    if (!response) throw noSuchPath();
    return response;
  }
}

const noQuery = new URLSearchParams();
/** Nobody calls off what the server itself asks. */
const never = new AbortController().signal;

function contextOf(request: ApiRequest, { user, userAgent, fence }: Requester): RequestContext {
  const { method, path, query = noQuery, body, contentType = "application/json" } = request;
  const bytes = Buffer.from(body === undefined ? "" : JSON.stringify(body));
  return {
    info: requestInfo(method, path, query)!,
    method,
    query,
    headers: { "content-type": contentType, "user-agent": userAgent },
    user,
    body: () => Promise.resolve(bytes),
    warnings: [],
    signal: never,
    fence,
  };
}
