/** From a request to what answers it: the endpoints of the table of resources, by group, version and name. */
import { FairleadError } from "../../errors/catalogue.ts";
import type { ApiResponse, RequestContext } from "./context.ts";
import type { Resource } from "./resources/resource.ts";
import { ApiError, qualified } from "./status.ts";
import { deleteCollection, deleteOne } from "./verbs/delete.ts";
import type { Endpoint } from "./verbs/endpoint.ts";
import { get, list } from "./verbs/read.ts";
import { watch } from "./verbs/watch.ts";
import { create, patch, update } from "./verbs/write.ts";

/** @param routes for what concerns more than one resource (an eviction asks the budgets) */
type Handler = (endpoint: Endpoint, context: RequestContext, routes: Routes) => Promise<ApiResponse>;

const verbs = {
  get,
  list,
  watch,
  create,
  update,
  patch,
  delete: deleteOne,
  deletecollection: deleteCollection,
} as const;
/** Verbs of a subresource that the resource's own verbs answer (status: the same object, another part of it). */
const sharedSubresources = new Set(["status"]);

/** Handlers of subresources, `resource.group/subresource` → verb → handler. */
export type SubresourceHandlers = ReadonlyMap<string, Readonly<Partial<Record<string, Handler>>>>;

export class Routes {
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #subresources: SubresourceHandlers;
  readonly #answers: SubresourceHandlers;
  #generation = 0;

  /** @param answers for resources that are not stored: `resource.group` → verb → handler */
  constructor(
    endpoints: readonly Endpoint[],
    subresources: SubresourceHandlers,
    answers: SubresourceHandlers = new Map(),
  ) {
    for (const endpoint of endpoints) this.add(endpoint);
    this.#subresources = subresources;
    this.#answers = answers;
  }

  /** Adds an endpoint, or takes its place (a custom resource whose definition changed). */
  add(endpoint: Endpoint): void {
    this.#generation++;
    this.#endpoints.set(keyOf(endpoint.resource.group, endpoint.version.version, endpoint.resource.plural), endpoint);
  }

  remove(group: string, version: string, plural: string): void {
    if (this.#endpoints.delete(keyOf(group, version, plural))) this.#generation++;
  }

  /** Counts up whenever an endpoint comes, goes or changes: what is made of them is made anew. */
  get generation(): number {
    return this.#generation;
  }

  endpoints(): Iterable<Endpoint> {
    return this.#endpoints.values();
  }

  find(group: string, version: string, plural: string): Endpoint | undefined {
    return this.#endpoints.get(keyOf(group, version, plural));
  }

  /** Answers a request for a resource. @throws ApiError 404, 405 */
  async handle(context: RequestContext): Promise<ApiResponse> {
    const { info } = context;
    const endpoint = this.find(info.group, info.version, info.resource);
    if (!endpoint) throw noSuchPath();
    if (endpoint.warning !== undefined) context.warnings.push(endpoint.warning);
    const handler = info.subresource === "" ? this.#verb(endpoint, context) : this.#subresource(endpoint, context);
    try {
      return await handler(endpoint, context, this);
    } catch (error) {
      throw storeError(error);
    }
  }

  #verb(endpoint: Endpoint, { info }: RequestContext): Handler {
    const verb = info.verb as keyof typeof verbs;
    if (!endpoint.resource.verbs.includes(verb)) throw notAllowed();
    if (needsNamespace(endpoint, verb) && info.namespace === "") throw noSuchPath();
    const answer = this.#answers.get(qualified(endpoint.resource))?.[verb];
    if (answer) return answer;
    if (!isStored(endpoint.resource)) throw notAllowed();
    return verbs[verb];
  }

  #subresource(endpoint: Endpoint, { info }: RequestContext): Handler {
    const found = endpoint.resource.subresources.find((subresource) => subresource.name === info.subresource);
    if (!found) throw noSuchPath();
    const own = this.#subresources.get(`${qualified(endpoint.resource)}/${info.subresource}`)?.[info.verb];
    const ofEndpoint = own ?? endpoint.subresources?.[info.subresource]?.[info.verb];
    if (ofEndpoint) return ofEndpoint;
    const isShared = sharedSubresources.has(info.subresource) && (found.verbs as readonly string[]).includes(info.verb);
    if (!isShared) throw notAllowed();
    return verbs[info.verb as keyof typeof verbs];
  }
}

/** Reviews and bindings are answered and not kept. */
export function isStored(resource: Resource): boolean {
  return resource.verbs.includes("get") && resource.plural !== "componentstatuses";
}

function keyOf(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}

function needsNamespace({ resource }: Endpoint, verb: string): boolean {
  return resource.namespaced && verb !== "list" && verb !== "watch";
}

/** Upstream's words for a path that leads nowhere. */
export function noSuchPath(): ApiError {
  return new ApiError("NotFound", "the server could not find the requested resource");
}

function notAllowed(): ApiError {
  return new ApiError("MethodNotAllowed", "the server does not allow this method on the requested resource");
}

/** What the store could not do, as the API says it. */
function storeError(error: unknown): unknown {
  if (!(error instanceof FairleadError)) return error;
  if (error.code === "STORE_BUSY") {
    return new ApiError("TooManyRequests", error.message, { retryAfterSeconds: 1 });
  }
  if (error.code === "STORE_CONFLICT") return new ApiError("Conflict", error.message);
  return new ApiError("ServiceUnavailable", error.message, { retryAfterSeconds: 1 });
}
