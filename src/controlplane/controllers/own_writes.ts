/**
 * What a key's reconciliation wrote: the next one waits until the informer has it, so that it plans on a
 * cache that knows its own writes (the part of upstream's "expectations", pkg/controller/controller_utils.go).
 */
import type { Informer } from "../../api/informer.ts";
import type { KubeObject } from "../../model/kubernetes.ts";

/** Checks that are kept for a key; only the newest write counts, and deletions are as many as a step makes. */
interface Unseen<T extends KubeObject> {
  written: T | undefined;
  readonly deleted: T[];
}

export class OwnWrites<T extends KubeObject> {
  readonly #informer: Informer<T>;
  readonly #unseen = new Map<string, Unseen<T>>();

  constructor(informer: Informer<T>) {
    this.#informer = informer;
  }

  /** Notes what the server answered to a create, update or patch. */
  wrote<W extends T>(key: string, object: W): W {
    const unseen = this.#of(key);
    const newest = unseen.written?.metadata.resourceVersion ?? "0";
    if (Number(object.metadata.resourceVersion) > Number(newest)) unseen.written = object;
    return object;
  }

  /** Notes what was deleted. */
  deleted(key: string, object: T): void {
    this.#of(key).deleted.push(object);
  }

  /** @throws where the informer does not show in time what was written */
  async seen(key: string): Promise<void> {
    const unseen = this.#unseen.get(key);
    if (!unseen) return;
    const { written, deleted } = unseen;
    const came = await Promise.all([
      written === undefined || this.#informer.saw(written),
      ...deleted.map((object) => this.#informer.sawDeleted(object)),
    ]);
    if (came.includes(false)) throw new Error(`own writes of ${this.#informer.type.plural} are not seen yet`);
    this.#unseen.delete(key);
  }

  #of(key: string): Unseen<T> {
    let unseen = this.#unseen.get(key);
    if (!unseen) this.#unseen.set(key, (unseen = { written: undefined, deleted: [] }));
    return unseen;
  }
}
