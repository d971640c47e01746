/**
 * How many pods of a selector each node has, kept up to date while pods come and go: a cycle then costs nodes, not
 * pods. Selectors that nobody asked for of late are forgotten; asking again counts anew.
 */
import type { LabelMatcher } from "../../../model/label_selector.ts";
import type { PodInfo } from "../model/pod_info.ts";
import { Hooked } from "./hooked.ts";

/** Bound of the selectors that are kept up. */
const keptSelectors = 1024;

/** What is counted: pods that all parts select. */
export interface PodSelection {
  /** Equal for selections of the same pods. */
  readonly key: string;
  readonly parts: readonly SelectionPart[];
  /** Pods that are being deleted count too. */
  readonly withTerminating: boolean;
}

export interface SelectionPart {
  /** undefined: all. */
  readonly namespaces: ReadonlySet<string> | undefined;
  readonly matches: LabelMatcher;
  readonly hook: string | undefined;
}

/** Node's name → pods; a node without any is absent. */
export type NodeCounts = ReadonlyMap<string, number>;

interface Kept {
  readonly selection: PodSelection;
  readonly counts: Map<string, number>;
}

export class PodCounts {
  readonly #kept = new Map<string, Kept>();
  readonly #hooked = new Hooked<Kept>();
  readonly #pods: () => Iterable<readonly [nodeName: string, pod: PodInfo]>;

  /** @param pods all that have a node */
  constructor(pods: () => Iterable<readonly [nodeName: string, pod: PodInfo]>) {
    this.#pods = pods;
  }

  of(selection: PodSelection): NodeCounts {
    const { key } = selection;
    const kept = this.#kept.get(key) ?? this.#count(selection);
    // The last in order is the one that was asked for last.
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept.counts;
  }

  change(nodeName: string, pod: PodInfo, by: 1 | -1): void {
    for (const { selection, counts } of this.#hooked.candidates(pod.labels)) {
      if (selects(selection, pod)) increase(counts, nodeName, by);
    }
  }

  #count(selection: PodSelection): Kept {
    const counts = new Map<string, number>();
    for (const [nodeName, pod] of this.#pods()) if (selects(selection, pod)) increase(counts, nodeName, 1);
    if (this.#kept.size >= keptSelectors) this.#forgetOldest();
    const kept = { selection, counts };
    this.#hooked.add(hookOf(selection), kept);
    return kept;
  }

  #forgetOldest(): void {
    for (const [key, kept] of this.#kept) {
      this.#kept.delete(key);
      this.#hooked.delete(hookOf(kept.selection), kept);
      return;
    }
  }
}

/** All parts must select: one part's hook will do. */
function hookOf({ parts }: PodSelection): string | undefined {
  return parts.find(({ hook }) => hook !== undefined)?.hook;
}

export function selects({ parts, withTerminating }: PodSelection, pod: PodInfo): boolean {
  if (pod.isTerminating && !withTerminating) return false;
  for (const { namespaces, matches } of parts) {
    if ((namespaces && !namespaces.has(pod.namespace)) || !matches(pod.labels)) return false;
  }
  return true;
}

/** Adds to a count; one of 0 goes. */
export function increase<K>(counts: Map<K, number>, key: K, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
