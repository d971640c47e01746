/** Reading the caches: what authentication, authorization and admission know of the cluster. */
import type { ApiObject } from "../resources/resource.ts";
import type { CacheObserver, ResourceCache } from "../storage/cache.ts";
import { parseObject } from "../storage/object_bytes.ts";

/** Objects by where they are stored ("pods", "rbac.authorization.k8s.io/roles"). Each call parses anew: objects may be kept. */
export interface Lookup {
  /** @param namespace "" for what has none */
  get(storedAs: string, namespace: string, name: string): ApiObject | undefined;
  /** All objects, or those of one namespace; none of what is not stored here. */
  list(storedAs: string, namespace?: string): ApiObject[];
  /** Waits until everything acknowledged before the call is there. */
  fresh(storedAs: string): Promise<void>;
  /** Tells a follower everything that is there, then every change. */
  follow(storedAs: string, follower: Follower): void;
}

/** Builds something of the objects of a resource. */
export interface Follower {
  put(object: ApiObject): void;
  remove(object: ApiObject): void;
  /** Forget everything: all is told again. */
  reset(): void;
}

/** A lookup in an API server's caches. */
export function cacheLookup(caches: ReadonlyMap<string, ResourceCache>): Lookup {
  const cacheOf = (storedAs: string): ResourceCache => {
    const cache = caches.get(storedAs);
    if (!cache) throw new Error(`there is no cache of ${storedAs}`);
    return cache;
  };
  return {
    get(storedAs, namespace, name) {
      const key = `/${storedAs}/${namespace === "" ? "" : `${namespace}/`}${name}`;
      const found = cacheOf(storedAs).get(key);
      return found && parseObject(found.bytes);
    },
    list(storedAs, namespace) {
      const prefix = `/${storedAs}/${namespace === undefined ? "" : `${namespace}/`}`;
      const found = caches.get(storedAs)?.items.withPrefix(prefix) ?? [];
      return found.map(({ bytes }) => parseObject(bytes));
    },
    async fresh(storedAs) {
      await cacheOf(storedAs).current();
    },
    follow: (storedAs, follower) => followCache(cacheOf(storedAs), follower),
  };
}

function followCache(cache: ResourceCache, follower: Follower): void {
  const tellAll = (): void => {
    follower.reset();
    for (const { bytes } of cache.items.withPrefix("")) follower.put(parseObject(bytes));
  };
  const observer: CacheObserver = {
    onEvent({ type, object, previous }) {
      if (previous) follower.remove(parseObject(previous.bytes));
      if (type !== "DELETED") follower.put(parseObject(object.bytes));
    },
    // What was known stays in use until the store is back.
    onEnd: () => void cache.observe(observer),
    onRefill: tellAll,
  };
  tellAll();
  cache.observe(observer);
}
