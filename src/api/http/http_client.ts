/** The API over HTTPS, with a kubeconfig's credentials. */
import type { KubeObject } from "../../model/kubernetes.ts";
import type { ListOptions, ObjectList, StopWatch, WatchObserver, WatchOptions } from "../client.ts";
import { RequestClient, type ApiRequest } from "../request_client.ts";
import { pathOf, queryOf } from "../request_parts.ts";
import { apiVersionOf, type ResourceType } from "../resource_types.ts";
import { isExpired } from "../status_error.ts";
import { fromKubeconfig, fromServiceAccount } from "./credentials.ts";
import { HttpWatch, withoutManagers } from "./http_watch.ts";
import { readList, type ListAnswer, type PickList } from "./list_reader.ts";
import { Transport, type SentRequest } from "./transport.ts";

export interface HttpClientOptions {
  /** Path of the kubeconfig; absent: the service account of the pod that this is. */
  readonly kubeconfig?: string;
  /** `https://host:port`, in the place of the kubeconfig's. */
  readonly server?: string;
  /** "fairlead-kubelet": who is recorded in managedFields and logs. */
  readonly userAgent: string;
  /** Bound of a request with all its tries, in ms; default 30 s. */
  readonly timeoutMs?: number;
  /** Told of each request that was sent. */
  readonly onSent?: (sent: SentRequest) => void;
  /** In the place of the kubeconfig's, where there is one: what is renewed while the client runs. PEM. */
  readonly clientCertificate?: () => { readonly cert: string; readonly key: string } | undefined;
  /** Reads large lists of which few fields are wanted; default: this thread does. */
  readonly pickList?: PickList;
}

/** Objects of a page (client-go's pager). */
const pageSize = 500;
/** A watch is ended by the server after this many seconds, and up to twice as many (client-go's reflector). */
const watchSeconds = 300;

export class HttpClient extends RequestClient {
  /** `https://host:port` */
  readonly server: string;
  readonly #transport: Transport;
  readonly #pickList: PickList | undefined;

  /** @throws FairleadError KUBECONFIG */
  constructor({ kubeconfig, server, userAgent, timeoutMs, onSent, clientCertificate, pickList }: HttpClientOptions) {
    super();
    const credentials = kubeconfig === undefined ? fromServiceAccount() : fromKubeconfig(kubeconfig, server);
    this.server = credentials.server;
    this.#pickList = pickList;
    this.#transport = new Transport({
      server: credentials.server,
      credentials: async () => {
        const current = await credentials.current();
        const own = clientCertificate?.();
        return own ? { ...current, tls: { ...current.tls, cert: own.cert, key: own.key } } : current;
      },
      userAgent,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(onSent === undefined ? {} : { onSent }),
    });
  }

  /** What comes from now on is asked over new connections; older ones end within a moment, their watches too. */
  reconnect(): void {
    this.#transport.reconnect();
  }

  /** Ends every watch and request. */
  close(): void {
    this.#transport.close();
  }

  override async list<T extends KubeObject>(type: ResourceType<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    if (options.limit !== undefined || options.continue !== undefined) return this.#page(type, options);
    const items: T[] = [];
    let page = await this.#page(type, { ...options, limit: pageSize });
    items.push(...page.items);
    while (page.continue !== undefined) {
      try {
        page = await this.#page(type, { ...withoutVersion(options), limit: pageSize, continue: page.continue });
      } catch (error) {
        // The pages' version is forgotten: all at once, as client-go's pager.
        if (!isExpired(error)) throw error;
        return this.#page(type, withoutVersion(options));
      }
      items.push(...page.items);
    }
    return { items, resourceVersion: page.resourceVersion };
  }

  async #page<T extends KubeObject>(type: ResourceType<T>, options: ListOptions): Promise<ObjectList<T>> {
    const { namespace, fields, keep, keepLine, onNext, ...query } = options;
    const path = pathOf(type, { ...(namespace === undefined ? {} : { namespace }) });
    const request = { method: "GET", path, query: queryOf({ ...query }) } as const;
    const about = { apiVersion: apiVersionOf(type), kind: type.kind };
    // Items of a list do not say what they are.
    const whole = (item: object): T => withoutManagers(Object.assign(item, about) as T);
    const made = keep ? (item: object): unknown => keep(whole(item) as never) : whole;
    const making = fields?.making(made, keepLine);
    const read = making && ((body: Buffer) => readList(body, making, { pick: this.#pickList, onNext }));
    const list = await this.#transport.json<ListAnswer<T>>(request, read);
    const { resourceVersion, continue: next } = list.metadata;
    const items = list.items ?? [];
    if (!fields) for (const item of items) whole(item);
    return { items, resourceVersion, ...(next === undefined || next === "" ? {} : { continue: next }) };
  }

  override watch<T extends KubeObject>(
    type: ResourceType<T>,
    options: WatchOptions,
    observer: WatchObserver<T>,
  ): StopWatch {
    const { namespace, fields, ...selection } = options;
    const timeoutSeconds = Math.floor(watchSeconds * (1 + Math.random()));
    const query = queryOf({ ...selection, watch: true, allowWatchBookmarks: true, timeoutSeconds });
    const path = pathOf(type, { ...(namespace === undefined ? {} : { namespace }) });
    const watch = new HttpWatch(observer, fields);
    void watch.follow(() => this.#transport.open({ method: "GET", path, query }));
    return () => watch.stop();
  }

  protected override send<Answer>(request: ApiRequest): Promise<Answer> {
    return this.#transport.json<Answer>(request);
  }
}

/** A page's place says of which version it is. */
function withoutVersion({ resourceVersion: _, ...options }: ListOptions): ListOptions {
  return options;
}
