/** Owners that were found not to be there: asked for once, not by each of their dependents. */
import { identityText, type Identity } from "./identity.ts";

/** Upstream's bound. */
const limit = 500;

export class AbsentOwners {
  readonly #known = new Set<string>();

  has(identity: Identity): boolean {
    const key = identityText(identity);
    if (!this.#known.delete(key)) return false;
    this.#known.add(key);
    return true;
  }

  /** The one that was asked for longest ago makes room. */
  add(identity: Identity): void {
    const key = identityText(identity);
    this.#known.delete(key);
    this.#known.add(key);
    const oldest = this.#known.values().next();
    if (this.#known.size > limit && !oldest.done) this.#known.delete(oldest.value);
  }
}
