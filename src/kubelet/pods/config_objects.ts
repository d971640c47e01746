/**
 * ConfigMaps and Secrets that the pods of this node name. Each is watched by its name, once for all pods, from the first
 * that asks for it until the last that did is gone: a node may read no others (pkg/kubelet/util/manager,
 * watch_based_manager.go).
 */
import type { Client } from "../../api/client.ts";
import { Informer } from "../../api/informer.ts";
import { resourceTypes, type ResourceType } from "../../api/resource_types.ts";
import { isNotFound } from "../../api/status_error.ts";
import type { ConfigMap, KubeObject } from "../../model/kubernetes.ts";
import type { Clock } from "../../reconcile/clock.ts";

export type Content = ReadonlyMap<string, Buffer>;
export type ConfigKind = "configMap" | "secret";

export interface ConfigObjectsOptions {
  /** KubeletConfiguration's; what is not watched is asked for. */
  readonly strategy: "Watch" | "Cache" | "Get";
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** Objects that are watched at one time; further ones are asked for. */
export const maxWatched = 1000;
/** Bound of waiting for the first answer, in ms. */
const syncTimeoutMs = 10_000;
/** How long an answer holds that nobody watches, in ms: containers of one pod that start together ask once. */
const freshMs = { Watch: 1000, Get: 1000, Cache: 60_000 } as const;

type ConfigObject = KubeObject & Pick<ConfigMap, "immutable">;

interface Watched {
  readonly informer: Informer<ConfigObject>;
  readonly users: Set<PodConfig>;
}

const types: Readonly<Record<ConfigKind, ResourceType<ConfigObject>>> = {
  configMap: resourceTypes.configMaps,
  secret: resourceTypes.secrets,
};

export class ConfigObjects {
  readonly #client: Client;
  readonly #options: ConfigObjectsOptions;
  readonly #watched = new Map<string, Watched>();

  constructor(client: Client, options: ConfigObjectsOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** How many are watched. */
  get watched(): number {
    return this.#watched.size;
  }

  /** @param onChange something that this pod has read is other than it was */
  open(namespace: string, onChange: () => void): PodConfig {
    return new PodConfig(this, namespace, onChange);
  }

  /** @returns undefined where it does not exist */
  async read(user: PodConfig, kind: ConfigKind, name: string): Promise<Content | undefined> {
    const watched = this.#watch(user, kind, name);
    if (!watched) return this.#get(kind, user.namespace, name);
    if (!(await watched.informer.synced(syncTimeoutMs))) {
      throw new Error(`failed to sync ${kind.toLowerCase()} cache: timed out waiting for the condition`);
    }
    const [object] = [...watched.informer.objects.values()];
    return object && contentOf(kind, object);
  }

  release(user: PodConfig, key: string): void {
    const watched = this.#watched.get(key);
    watched?.users.delete(user);
    if (watched?.users.size !== 0) return;
    watched.informer.stop();
    this.#watched.delete(key);
  }

  get freshMs(): number {
    return freshMs[this.#options.strategy];
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  #watch(user: PodConfig, kind: ConfigKind, name: string): Watched | undefined {
    if (this.#options.strategy !== "Watch" || user.isClosed) return undefined;
    const key = keyOf(kind, user.namespace, name);
    const known = this.#watched.get(key);
    if (!known && this.#watched.size >= maxWatched) return undefined;
    const watched = known ?? this.#begin(kind, user.namespace, name);
    this.#watched.set(key, watched);
    watched.users.add(user);
    user.watches.add(key);
    return watched;
  }

  #begin(kind: ConfigKind, namespace: string, name: string): Watched {
    const { clock, onError } = this.#options;
    const fieldSelector = `metadata.name=${name}`;
    const informer = new Informer(this.#client, types[kind], { namespace, fieldSelector, clock, onError });
    const users = new Set<PodConfig>();
    const changed = (object: ConfigObject): void => {
      // What does not change is not watched (KEP-1412).
      if (object.immutable) void informer.synced(syncTimeoutMs).then(() => informer.stop());
      // What the first list has, is read by who waits for it.
      if (informer.isSynced) for (const user of users) user.onChange();
    };
    informer.subscribe({ onAdd: changed, onUpdate: (_, object) => changed(object), onDelete: changed });
    informer.start();
    return { informer, users };
  }

  async #get(kind: ConfigKind, namespace: string, name: string): Promise<Content | undefined> {
    try {
      return contentOf(kind, await this.#client.get<ConfigObject>(types[kind], { namespace, name }));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

/** What one pod names. */
export class PodConfig {
  readonly namespace: string;
  readonly onChange: () => void;
  /** Keys of what is watched for it. */
  readonly watches = new Set<string>();
  readonly #objects: ConfigObjects;
  readonly #read = new Map<string, { readonly atMs: number; readonly content: Promise<Content | undefined> }>();
  isClosed = false;

  constructor(objects: ConfigObjects, namespace: string, onChange: () => void) {
    this.#objects = objects;
    this.namespace = namespace;
    this.onChange = onChange;
  }

  read(kind: ConfigKind, name: string): Promise<Content | undefined> {
    const key = keyOf(kind, this.namespace, name);
    if (this.watches.has(key)) return this.#objects.read(this, kind, name);
    const held = this.#read.get(key);
    const nowMs = this.#objects.clock.now();
    if (held && nowMs - held.atMs < this.#objects.freshMs) return held.content;
    const content = this.#objects.read(this, kind, name);
    // What is watched needs no memory, and what failed is asked again.
    if (this.watches.has(key)) return content;
    this.#read.set(key, { atMs: nowMs, content });
    content.catch(() => this.#read.delete(key));
    return content;
  }

  /** It is gone: nothing is watched for it any more. */
  close(): void {
    this.isClosed = true;
    for (const key of this.watches) this.#objects.release(this, key);
    this.watches.clear();
    this.#read.clear();
  }
}

function keyOf(kind: ConfigKind, namespace: string, name: string): string {
  return `${kind} ${namespace}/${name}`;
}

function contentOf(kind: ConfigKind, object: ConfigObject): Content {
  const { data = {}, binaryData = {} } = object as ConfigMap;
  const [text, base64] = kind === "configMap" ? [data, binaryData] : [{}, data];
  return new Map([
    ...Object.entries(text).map(([key, value]) => [key, Buffer.from(value)] as const),
    ...Object.entries(base64).map(([key, value]) => [key, Buffer.from(value, "base64")] as const),
  ]);
}
