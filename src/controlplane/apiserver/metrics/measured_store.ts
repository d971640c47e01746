/** A store whose operations are timed. */
import { performance } from "node:perf_hooks";
import { FairleadError } from "../../../errors/catalogue.ts";
import type { Store } from "../../store/store.ts";

/** @param resource first part of the key: where a resource is kept */
export type OnOperation = (operation: string, resource: string, seconds: number, isError: boolean) => void;

/** Upstream's names of operations. */
export function measuredStore(store: Store, onOperation: OnOperation): Store {
  const timed = async <T>(operation: string, key: string, run: () => Promise<T>): Promise<T> => {
    const startMs = performance.now();
    const done = (isError: boolean): void =>
      onOperation(operation, resourceOf(key), (performance.now() - startMs) / 1000, isError);
    try {
      const result = await run();
      done(false);
      return result;
    } catch (error) {
      // A write that lost a race has been answered.
      done(!(error instanceof FairleadError && /^STORE_(EXISTS|CONFLICT)$/.test(error.code)));
      throw error;
    }
  };
  return {
    get: (key) => timed("get", key, () => store.get(key)),
    range: (options) => timed("list", options.prefix, () => store.range(options)),
    create: (key, value, options) => timed("create", key, () => store.create(key, value, options)),
    update: (key, value, revision, options) => timed("update", key, () => store.update(key, value, revision, options)),
    delete: (key, revision) => timed("delete", key, () => store.delete(key, revision)),
    revision: () => store.revision(),
    delivered: () => store.delivered(),
    watch: (prefix, after, observer) => store.watch(prefix, after, observer),
    compact: (revision) => timed("compact", "", () => store.compact(revision)),
    close: () => store.close(),
  };
}

function resourceOf(key: string): string {
  return key.startsWith("/") ? key.slice(1, key.indexOf("/", 1)) : "";
}
