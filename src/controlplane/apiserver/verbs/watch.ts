/** WATCH: events of a resource as they happen, each encoded once for everyone who watches. */
import type { FairleadError } from "../../../errors/catalogue.ts";
import { json, type ApiResponse, type RequestContext, type StreamSink } from "../context.ts";
import { negotiate } from "../printing/negotiate.ts";
import { metadataOnly } from "../printing/metadata_only.ts";
import { tableOf } from "../printing/table.ts";
import { listOptions, type ListOptions } from "../request/options.ts";
import { ApiError } from "../status.ts";
import type { CachedObject, CacheEvent } from "../storage/cache.ts";
import { parseObject } from "../storage/object_bytes.ts";
import { inVersion, inVersionBytes } from "./convert.ts";
import { groupVersion, selection, type Endpoint } from "./endpoint.ts";

/** How long a watch lasts where the client does not say: 30 to 60 minutes, so that not all end at once. */
const defaultTimeoutMs = 1_800_000;
const bookmarkIntervalMs = 60_000;
const newline = Buffer.from("}\n");

type EventType = "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";

export async function watch(endpoint: Endpoint, context: RequestContext): Promise<ApiResponse> {
  const options = listOptions(context.query);
  const stream = new WatchStream(endpoint, context, options);
  await stream.reach();
  return { code: 200, contentType: `${json};stream=watch`, stream: (sink) => stream.start(sink) };
}

class WatchStream {
  readonly #endpoint: Endpoint;
  readonly #options: ListOptions;
  readonly #prefix: string;
  readonly #matches: (object: CachedObject) => boolean;
  readonly #encode: (type: EventType, object: CachedObject) => Buffer[];
  /** What the encoding depends on beside the event; undefined where it is this watcher's own. */
  readonly #form: string | undefined;
  #sink!: StreamSink;
  #stop: (() => void) | undefined;

  constructor(endpoint: Endpoint, context: RequestContext, options: ListOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#prefix = endpoint.registry.prefix(context.info.namespace);
    this.#matches = selection(endpoint, options, context.info.name);
    this.#encode = encoder(endpoint, context);
    const form = negotiate(context.headers["accept"]);
    // The first Table of a watcher has its columns' definitions, others have not.
    this.#form = form === "table" ? undefined : `${groupVersion(endpoint)} ${form}`;
  }

  /** Waits for the version that the client has seen: another server may be ahead of this one. */
  async reach(): Promise<void> {
    const { cache } = this.#endpoint.registry;
    const wanted = this.#options.resourceVersion;
    if (wanted === undefined || this.#options.sendInitialEvents) await cache.current();
    if (wanted !== undefined && wanted > 0 && !(await cache.reach(wanted))) {
      throw new ApiError("Timeout", `Too large resource version: ${wanted}, current: ${cache.revision}`, {
        retryAfterSeconds: 1,
      });
    }
  }

  start(sink: StreamSink): void {
    this.#sink = sink;
    const { cache } = this.#endpoint.registry;
    const wanted = this.#options.resourceVersion;
    const initial = this.#options.sendInitialEvents ?? (wanted === undefined || wanted === 0);
    if (initial) this.#sendInitial();
    const observer = {
      onEvent: (event: CacheEvent, encoded: Map<string, Buffer>) => this.#onEvent(event, encoded),
      onEnd: (error: FairleadError) => this.#onEnd(error),
    };
    this.#stop = initial ? cache.observe(observer) : cache.observe(observer, wanted || cache.revision);
    if (!this.#stop) return this.#expired(wanted ?? 0);
    this.#keepTime();
  }

  #sendInitial(): void {
    const { cache } = this.#endpoint.registry;
    const parts: Buffer[] = [];
    for (const object of cache.items.withPrefix(this.#prefix)) {
      if (this.#matches(object)) parts.push(...this.#encode("ADDED", object));
    }
    this.#sink.writeInitial(parts);
    if (this.#options.sendInitialEvents && this.#options.allowWatchBookmarks) {
      this.#bookmark({ "k8s.io/initial-events-end": "true" });
    }
  }

  #onEvent(event: CacheEvent, encoded: Map<string, Buffer>): void {
    if (!event.object.key.startsWith(this.#prefix)) return;
    const was = event.previous !== undefined && this.#matches(event.previous);
    const is = event.type !== "DELETED" && this.#matches(event.object);
    // An object that comes into the selection is added for this watcher, one that leaves it deleted.
    if (is) this.#write(was ? "MODIFIED" : "ADDED", event, encoded);
    else if (was) this.#write("DELETED", event, encoded);
  }

  /** Watchers that are shown the same share its bytes: the first of them encodes. */
  #write(type: EventType, event: CacheEvent, encoded: Map<string, Buffer>): void {
    const form = `${type} ${this.#form}`;
    let bytes = this.#form === undefined ? undefined : encoded.get(form);
    if (!bytes) {
      const leaves = type === "DELETED" && event.type !== "DELETED";
      bytes = Buffer.concat(this.#encode(type, leaves ? lastSeen(event) : event.object));
      if (this.#form !== undefined) encoded.set(form, bytes);
    }
    this.#sink.write(bytes);
  }

  #keepTime(): void {
    const { timeoutSeconds, allowWatchBookmarks } = this.#options;
    const timeoutMs = timeoutSeconds === undefined ? defaultTimeoutMs * (1 + Math.random()) : timeoutSeconds * 1000;
    const end = setTimeout(() => this.#sink.end(), Math.min(timeoutMs, 2 ** 31 - 1));
    const bookmarks = allowWatchBookmarks ? setInterval(() => this.#bookmark(), bookmarkIntervalMs) : undefined;
    this.#sink.onClose(() => {
      clearTimeout(end);
      clearInterval(bookmarks);
      this.#stop?.();
    });
  }

  #bookmark(annotations?: Record<string, string>): void {
    const { resource, registry } = this.#endpoint;
    const metadata = {
      resourceVersion: String(registry.cache.revision),
      creationTimestamp: null,
      ...(annotations ? { annotations } : {}),
    };
    const object = { kind: resource.kind, apiVersion: groupVersion(this.#endpoint), metadata };
    this.#sink.write(Buffer.from(`${JSON.stringify({ type: "BOOKMARK", object })}\n`));
  }

  #expired(wanted: number): void {
    const oldest = this.#endpoint.registry.cache.oldestRevision;
    const error = new ApiError("Expired", `too old resource version: ${wanted} (${oldest})`);
    this.#sink.write(Buffer.from(`${JSON.stringify({ type: "ERROR", object: error.toStatus() })}\n`));
    this.#sink.end();
  }

  #onEnd(error: FairleadError): void {
    const status = new ApiError("Expired", error.message).toStatus();
    this.#sink.write(Buffer.from(`${JSON.stringify({ type: "ERROR", object: status })}\n`));
    this.#sink.end();
  }
}

/** What a watcher that loses an object sees: its last state, at the revision of the change. */
function lastSeen(event: CacheEvent): CachedObject {
  const object = parseObject(event.previous!.bytes);
  object.metadata.resourceVersion = String(event.revision);
  return { ...event.previous!, bytes: Buffer.from(JSON.stringify(object)) };
}

const prefixes: Readonly<Record<EventType, Buffer>> = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
  BOOKMARK: Buffer.from('{"type":"BOOKMARK","object":'),
  ERROR: Buffer.from('{"type":"ERROR","object":'),
};

/** How objects are written for this client: their own bytes between a prefix and a newline, where it takes objects. */
function encoder(endpoint: Endpoint, context: RequestContext): (type: EventType, object: CachedObject) => Buffer[] {
  const form = negotiate(context.headers["accept"]);
  if (form === "object") return (type, { bytes }) => [prefixes[type], inVersionBytes(endpoint, bytes), newline];
  const include = context.query.get("includeObject");
  // What is wrong with the request is told before the answer begins.
  if (form === "table") tableOf(endpoint.resource, [], {}, include);
  let withColumns = true;
  return (type, { bytes }) => {
    const object = inVersion(endpoint, parseObject(bytes));
    const meta = { resourceVersion: object.metadata.resourceVersion ?? "" };
    const shown =
      form === "metadata" ? metadataOnly(object) : tableOf(endpoint.resource, [object], meta, include, withColumns);
    withColumns = false;
    return [prefixes[type], Buffer.from(JSON.stringify(shown)), newline];
  };
}
