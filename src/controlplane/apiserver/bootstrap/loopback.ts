/** The server's own requests, without a connection: the same path as a client's behind authorization. */
import type { RequestContext, User } from "../context.ts";
import { requestInfo } from "../request/info.ts";
import type { ApiObject } from "../resources/resource.ts";
import type { Routes } from "../routes.ts";
import { ApiError } from "../status.ts";

/** Upstream's loopback client. */
export const loopbackUser: User = { name: "system:apiserver", groups: ["system:authenticated", "system:masters"] };

export class Loopback {
  readonly #routes: Routes;

  constructor(routes: Routes) {
    this.#routes = routes;
  }

  /** @returns undefined where it is not there */
  async get(path: string): Promise<ApiObject | undefined> {
    try {
      return await this.#request("GET", path);
    } catch (error) {
      if (error instanceof ApiError && error.reason === "NotFound") return undefined;
      throw error;
    }
  }

  /** @returns false where somebody else was first */
  async create(path: string, object: object): Promise<boolean> {
    try {
      await this.#request("POST", path, object);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.reason === "AlreadyExists") return false;
      throw error;
    }
  }

  async update(path: string, object: object): Promise<ApiObject> {
    return this.#request("PUT", path, object);
  }

  async #request(method: string, path: string, body?: object): Promise<ApiObject> {
    const response = await this.#routes.handle(contextOf(method, path, body));
    if (!("body" in response)) throw new Error(`${path} answered with a stream`);
    const bytes = Array.isArray(response.body) ? Buffer.concat(response.body as Buffer[]) : (response.body as Buffer);
    return JSON.parse(bytes.toString()) as ApiObject;
  }
}

function contextOf(method: string, path: string, body: object | undefined): RequestContext {
  const query = new URLSearchParams();
  const bytes = Buffer.from(body === undefined ? "" : JSON.stringify(body));
  return {
    info: requestInfo(method, path, query)!,
    method,
    query,
    headers: { "content-type": "application/json", "user-agent": "kube-apiserver" },
    user: loopbackUser,
    body: () => Promise.resolve(bytes),
    warnings: [],
    signal: new AbortController().signal,
  };
}
