/** Terms of the pods that have a node, each kind of term once, with the nodes of the pods that carry it. */
import type { PodTerm, WeightedTerm } from "../model/pod_terms.ts";
import type { Labels } from "../../../model/label_selector.ts";
import { Hooked } from "./hooked.ts";
import { increase } from "./pod_counts.ts";

export interface IndexedTerm {
  readonly term: PodTerm;
  readonly weight: number;
  /** Node's name → pods there that carry the term. */
  readonly nodes: ReadonlyMap<string, number>;
}

interface Entry extends IndexedTerm {
  readonly nodes: Map<string, number>;
}

export class TermIndex {
  readonly #entries = new Map<string, Entry>();
  readonly #hooked = new Hooked<Entry>();

  /** Terms that could mean a pod with these labels. */
  candidates(labels: Labels): Iterable<IndexedTerm> {
    return this.#hooked.candidates(labels);
  }

  get size(): number {
    return this.#entries.size;
  }

  change(nodeName: string, { term, weight }: WeightedTerm, by: 1 | -1): void {
    const key = `${weight} ${term.key}`;
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = { term, weight, nodes: new Map() };
      this.#entries.set(key, entry);
      this.#hooked.add(term.hook, entry);
    }
    increase(entry.nodes, nodeName, by);
    if (entry.nodes.size > 0) return;
    this.#entries.delete(key);
    this.#hooked.delete(term.hook, entry);
  }
}
