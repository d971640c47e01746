/**
 * Selectors found by labels: most demand a value of some label, and only those need to be tried that demand one which
 * a pod has. So a pod costs the selectors that could mean it, not all that there are.
 */
import type { Labels } from "../../../model/label_selector.ts";

export class Hooked<T> {
  readonly #byHook = new Map<string, Set<T>>();
  readonly #others = new Set<T>();

  add(hook: string | undefined, item: T): void {
    if (hook === undefined) this.#others.add(item);
    else {
      const items = this.#byHook.get(hook);
      if (items) items.add(item);
      else this.#byHook.set(hook, new Set([item]));
    }
  }

  delete(hook: string | undefined, item: T): void {
    if (hook === undefined) this.#others.delete(item);
    else {
      const items = this.#byHook.get(hook);
      items?.delete(item);
      if (items?.size === 0) this.#byHook.delete(hook);
    }
  }

  /** Items that could mean an object with these labels; the others cannot. */
  *candidates(labels: Labels): Iterable<T> {
    yield* this.#others;
    if (this.#byHook.size === 0) return;
    for (const key in labels) {
      const items = this.#byHook.get(`${key}=${labels[key]!}`);
      if (items) yield* items;
    }
  }
}
