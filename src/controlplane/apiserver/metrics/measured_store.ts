/** A store whose operations are timed. */
import { performance } from "node:perf_hooks";
import { FairleadError } from "../../../errors/catalogue.ts";
import { builtIn } from "../resources/table.ts";
import type { Store } from "../../store/store.ts";

/** Whose objects an operation was on. */
export interface StoredResource {
  readonly group: string;
  readonly resource: string;
}

export type OnOperation = (operation: string, on: StoredResource, seconds: number, isError: boolean) => void;

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
      done(!(error instanceof FairleadError && /^STORE_(EXISTS|CONFLICT|FENCED)$/.test(error.code)));
      throw error;
    }
  };
  return {
    get: (key) => timed("get", key, () => store.get(key)),
    range: (options) => timed("list", options.prefix, () => store.range(options)),
    create: (key, value, options) => timed("create", key, () => store.create(key, value, options)),
    update: (key, value, revision, options) => timed("update", key, () => store.update(key, value, revision, options)),
    delete: (key, revision, options) => timed("delete", key, () => store.delete(key, revision, options)),
    revision: () => store.revision(),
    delivered: () => store.delivered(),
    watch: (prefix, after, observer) => store.watch(prefix, after, observer),
    compact: (revision) => timed("compact", "", () => store.compact(revision)),
    close: () => store.close(),
  };
}

/** Groups in keys: a custom resource's has a dot, and a resource of the core group never does. */
const groupsWithoutDot: ReadonlySet<string> = new Set(
  builtIn.map(({ group }) => group).filter((group) => group !== ""),
);

/** "/pods/default/a" → pods; "/apps/deployments/default/a" → deployments of apps. */
function resourceOf(key: string): StoredResource {
  const [, first = "", second = ""] = key.split("/", 3);
  const isGroup = first.includes(".") || groupsWithoutDot.has(first);
  return isGroup ? { group: first, resource: second } : { group: "", resource: first };
}
