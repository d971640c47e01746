/** The API server: the table of resources on a store, behind authentication and authorization. */
import type { Store } from "../store/store.ts";
import { AdmissionChain, type AdmissionPlugin } from "./admission/admission.ts";
import type { Authenticator, Credentials } from "./auth/authenticator.ts";
import { attributesOf, type Authorizer } from "./auth/authorizer.ts";
import { forbidden } from "./auth/forbidden.ts";
import { anonymous, jsonResponse, type ApiResponse, type RequestContext, type User } from "./context.ts";
import { HttpServer, type HttpServerOptions } from "./http/server.ts";
import { CustomResources } from "./customresources/custom_resources.ts";
import { Discovery } from "./discovery/discovery.ts";
import { Health, type HealthCheck } from "./health/health.ts";
import { ApiMetrics } from "./metrics/api_metrics.ts";
import type { ApiObject, Resource } from "./resources/resource.ts";
import { builtIn } from "./resources/table.ts";
import { isStored, noSuchPath, Routes, type SubresourceHandlers } from "./routes.ts";
import { ApiError } from "./status.ts";
import { versionInfo } from "./version.ts";
import { OpenApi } from "./openapi/serve.ts";
import { fieldsOf } from "./storage/fields.ts";
import { prefixOf } from "./storage/keys.ts";
import { Registry } from "./storage/registry.ts";
import { ResourceCache } from "./storage/cache.ts";
import { validateMetadata } from "./validation/metadata.ts";
import type { Endpoint } from "./verbs/endpoint.ts";

export interface ApiServerOptions {
  readonly store: Store;
  readonly authenticators: readonly Authenticator[];
  /** --anonymous-auth; default true: who brings no credentials is system:anonymous. */
  readonly anonymous?: boolean;
  readonly authorizer: Authorizer;
  readonly admission: readonly AdmissionPlugin[];
  readonly subresources: SubresourceHandlers;
  /** What answers resources that are not stored: "selfsubjectreviews.authentication.k8s.io" → verb → handler. */
  readonly answers?: SubresourceHandlers;
  /** Paths outside of resources that are not the server's own. @returns undefined where it knows no such path */
  readonly nonResource?: (context: RequestContext) => Promise<ApiResponse | undefined> | ApiResponse | undefined;
  /** Puts another user in the place of who asks (impersonation headers). @throws ApiError 400, 403 */
  readonly impersonate?: (context: RequestContext) => Promise<RequestContext>;
  /** Caches that were started before the server, for what is built on them. Default: started with it. */
  readonly caches?: ReadonlyMap<string, ResourceCache>;
  readonly http: Pick<HttpServerOptions, "host" | "port" | "tls" | "maxInFlight" | "onInternalError" | "onRequest"> & {
    /** Takes over the connection of a request that has been authorized (exec, attach, port-forward, proxy). */
    readonly upgrade?: UpgradeHandler;
  };
  /** Default: metrics of the server's own. */
  readonly metrics?: ApiMetrics;
  /** Wall clock in ms; default Date.now. */
  readonly now?: () => number;
}

export type UpgradeHandler = (
  routes: Routes,
  ...request: Parameters<NonNullable<HttpServerOptions["upgrade"]>>
) => Promise<void>;

export class ApiServer {
  readonly #options: ApiServerOptions;
  readonly #http: HttpServer;
  readonly #openApi: OpenApi;
  readonly #customResources: CustomResources;
  readonly #discovery: Discovery;
  readonly #caches = new Map<string, ResourceCache>();
  readonly #metrics: ApiMetrics;
  readonly health: Health;
  readonly routes: Routes;

  private constructor(
    options: ApiServerOptions,
    routes: Routes,
    caches: ReadonlyMap<string, ResourceCache>,
    customResources: CustomResources,
  ) {
    this.#options = options;
    this.routes = routes;
    this.#customResources = customResources;
    this.#openApi = new OpenApi(customResources.documents);
    this.#discovery = new Discovery(routes);
    for (const [key, cache] of caches) this.#caches.set(key, cache);
    this.health = new Health(healthChecks(options.store, this.#caches));
    this.#metrics = options.metrics ?? new ApiMetrics();
    this.#http = new HttpServer({
      ...options.http,
      observer: this.#metrics,
      authenticate: (credentials) => this.#authenticate(credentials),
      handle: (context) => this.#handle(context),
      upgrade: (context, ...connection) => this.#upgrade(context, ...connection),
    });
    this.#metrics.follow({
      inFlight: () => this.#http.inFlight,
      find: (...resource) => routes.find(...resource)?.resource,
      counts: () => objectCounts(routes),
    });
  }

  /** Fills the caches; it listens with {@link listen}. */
  static async start(options: ApiServerOptions): Promise<ApiServer> {
    const admission = new AdmissionChain(options.admission);
    const caches = options.caches ?? (await startCaches(options.store));
    const endpoints: Endpoint[] = [];
    for (const resource of builtIn.filter(isStored)) {
      const cache = caches.get(resource.storedAs)!;
      const registry = await Registry.start(
        { resource, store: options.store, admission, validate: validatorOf(resource), now: options.now ?? Date.now },
        cache,
      );
      for (const version of resource.versions) endpoints.push({ resource, version, registry });
    }
    for (const resource of builtIn.filter((row) => !isStored(row))) {
      for (const version of resource.versions) endpoints.push({ resource, version, registry: notStored(resource) });
    }
    const routes = new Routes(endpoints, options.subresources, options.answers);
    const customResources = await CustomResources.start({
      routes,
      store: options.store,
      admission,
      registry: routes.find("apiextensions.k8s.io", "v1", "customresourcedefinitions")!.registry,
      validate: validatorOf,
      now: options.now ?? Date.now,
      onError: options.http.onInternalError,
    });
    return new ApiServer(options, routes, caches, customResources);
  }

  /** New certificates for connections from now on. */
  setTls(tls: NonNullable<HttpServerOptions["tls"]>): void {
    this.#http.setTls(tls);
  }

  /** @returns the port */
  listen(): Promise<number> {
    return this.#http.listen();
  }

  /** /readyz fails from now on; what is in flight is answered, from caches that still follow the store. */
  async close(graceMs = 10_000): Promise<void> {
    this.health.stop();
    await this.#http.close(graceMs);
    await this.#customResources.close();
    for (const cache of this.#caches.values()) cache.close();
  }

  async #authenticate(credentials: Credentials): Promise<User> {
    for (const authenticator of this.#options.authenticators) {
      const user = await authenticator.authenticate(credentials);
      if (user) return user;
    }
    const isRefused = credentials.token !== undefined || credentials.certificateRefused;
    if (isRefused || this.#options.anonymous === false) {
      throw new ApiError("Unauthorized", "Unauthorized");
    }
    return anonymous;
  }

  async #handle(asked: RequestContext): Promise<ApiResponse> {
    const context = (await this.#options.impersonate?.(asked)) ?? asked;
    await this.#authorize(context);
    if (context.info.isResource) return this.routes.handle(context);
    return this.#nonResource(context);
  }

  async #upgrade(...[asked, ...connection]: Parameters<NonNullable<HttpServerOptions["upgrade"]>>): Promise<void> {
    const { upgrade } = this.#options.http;
    if (!upgrade) throw new ApiError("BadRequest", "this path takes no upgrade");
    const context = (await this.#options.impersonate?.(asked)) ?? asked;
    await this.#authorize(context);
    await upgrade(this.routes, context, ...connection);
  }

  async #authorize({ info, user, query }: RequestContext): Promise<void> {
    const attributes = attributesOf(info, user, query);
    const { decision, reason } = await this.#options.authorizer.authorize(attributes);
    if (decision === "allow") return;
    throw forbidden(attributes, reason);
  }

  async #nonResource(context: RequestContext): Promise<ApiResponse> {
    const { path } = context.info;
    const health = await this.health.respond(context);
    if (health) return health;
    if (path === "/metrics") return this.#metrics.respond();
    if (path === "/version") return jsonResponse(200, versionInfo);
    const found =
      this.#openApi.respond(context) ??
      this.#discovery.respond(context) ??
      (await this.#options.nonResource?.(context));
    if (!found) throw noSuchPath();
    return found;
  }
}

/** Fills a cache for everything that is stored, by where it is stored. */
export async function startCaches(store: Store): Promise<ReadonlyMap<string, ResourceCache>> {
  const caches = new Map<string, ResourceCache>();
  for (const resource of builtIn.filter(isStored)) {
    if (caches.has(resource.storedAs)) continue;
    caches.set(resource.storedAs, await ResourceCache.start(store, prefixOf(resource), fieldsOf(resource)));
  }
  return caches;
}

function healthChecks(store: Store, caches: ReadonlyMap<string, ResourceCache>): HealthCheck[] {
  return [
    { name: "etcd", check: () => store.revision() },
    {
      name: "informer-sync",
      of: ["readyz"],
      check: () => {
        const behind = [...caches].filter(([, cache]) => !cache.isFollowing).map(([name]) => name);
        if (behind.length > 0) throw new Error(`not in sync: ${behind.join(", ")}`);
      },
    },
  ];
}

/** By resource, whatever its versions. */
function* objectCounts(routes: Routes): Generator<readonly [Resource, number]> {
  const seen = new Set<Resource>();
  for (const { resource, registry } of routes.endpoints()) {
    if (seen.has(resource) || !isStored(resource)) continue;
    seen.add(resource);
    yield [resource, registry.cache.items.size];
  }
}

/** The registry of what has none: routes ask the answers first, so nothing ever reaches it. */
function notStored(resource: Resource): Registry {
  const nothing: unknown = {};
  return new Proxy(nothing as Registry, {
    get() {
      throw new Error(`${resource.plural} are not stored`);
    },
  });
}

function validatorOf(resource: Resource) {
  return (object: ApiObject, old: ApiObject | undefined) => validateMetadata(resource, object, old);
}
