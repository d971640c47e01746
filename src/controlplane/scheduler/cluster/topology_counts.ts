/** Counts (or weights) by what nodes have in common: topology key → its value → sum. */
import type { Labels } from "../../../model/label_selector.ts";
import { increase, type NodeCounts } from "./pod_counts.ts";
import type { Cluster } from "./cluster.ts";

export class TopologyCounts {
  readonly #byKey = new Map<string, Map<string, number>>();

  /** @returns whether all counts are 0 */
  get isEmpty(): boolean {
    for (const values of this.#byKey.values()) if (values.size > 0) return false;
    return true;
  }

  get(key: string, value: string): number {
    return this.#byKey.get(key)?.get(value) ?? 0;
  }

  /** A node without the label is in no domain. */
  add(labels: Labels, key: string, by: number): void {
    const value = labels[key];
    if (value === undefined) return;
    let values = this.#byKey.get(key);
    if (!values) this.#byKey.set(key, (values = new Map<string, number>()));
    increase(values, value, by);
  }

  addNodes(cluster: Cluster, counts: NodeCounts, key: string, weight = 1): void {
    for (const [nodeName, count] of counts) {
      const node = cluster.node(nodeName);
      if (node) this.add(node.labels, key, weight * count);
    }
  }

  /** The sum of what a node's domains have. */
  sumFor(labels: Labels): number {
    let sum = 0;
    for (const [key, values] of this.#byKey) {
      const value = labels[key];
      if (value !== undefined) sum += values.get(value) ?? 0;
    }
    return sum;
  }

  /** Whether any domain of a node has a count above 0. */
  touches(labels: Labels): boolean {
    for (const [key, values] of this.#byKey) {
      const value = labels[key];
      if (value !== undefined && (values.get(value) ?? 0) > 0) return true;
    }
    return false;
  }
}
