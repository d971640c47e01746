import type { Cluster } from "../cluster/cluster.ts";
import { selects } from "../cluster/pod_counts.ts";
import { TopologyCounts } from "../cluster/topology_counts.ts";
import { maxScore, unresolvable, unschedulable, type NodeFilter, type Plugin } from "../framework/plugin.ts";
import { termMatches, type PodTerm } from "../model/pod_terms.ts";
import type { PodInfo } from "../model/pod_info.ts";
import { affinityHelps } from "./inter_pod_affinity_hints.ts";
import { selectionOfAll } from "./term_selection.ts";

const notNear = unresolvable("node(s) didn't match pod affinity rules");
const tooNear = unschedulable("node(s) didn't match pod anti-affinity rules");
const unwanted = unschedulable("node(s) didn't satisfy existing pods anti-affinity rules");

export const interPodAffinity: Plugin = {
  name: "InterPodAffinity",
  weight: 2,
  filter(pod, cluster) {
    const existing = existingAntiAffinity(pod, cluster);
    const { requiredAffinity, requiredAntiAffinity } = pod.terms;
    if (requiredAffinity.length === 0 && requiredAntiAffinity.length === 0 && existing.isEmpty) return undefined;
    return new AffinityFilter(pod, cluster, existing);
  },
  score(pod, cluster) {
    const weights = preferences(pod, cluster);
    if (weights.isEmpty) return undefined;
    return { score: ({ labels }) => weights.sumFor(labels), normalize: normalizeToRange };
  },
  helps: affinityHelps,
};

/** Where pods are that want this pod not to be near. */
function existingAntiAffinity(pod: PodInfo, cluster: Cluster): TopologyCounts {
  const counts = new TopologyCounts();
  if (cluster.antiAffinity.size === 0) return counts;
  const namespaceLabels = cluster.namespaceLabels(pod.namespace);
  for (const { term, nodes } of cluster.antiAffinity.candidates(pod.labels)) {
    if (termMatches(term, pod, namespaceLabels)) counts.addNodes(cluster, nodes, term.topologyKey);
  }
  return counts;
}

class AffinityFilter implements NodeFilter {
  readonly #pod: PodInfo;
  readonly #cluster: Cluster;
  readonly #existing: TopologyCounts;
  /** Pods that all terms of affinity select, for each term's topology. */
  readonly #near = new TopologyCounts();
  /** Pods that a term of anti-affinity selects, for that term's topology. */
  readonly #far = new TopologyCounts();
  /** The first pod of those that want to be near one another has none to be near to. */
  readonly #isOwnKind: boolean;

  constructor(pod: PodInfo, cluster: Cluster, existing: TopologyCounts) {
    this.#pod = pod;
    this.#cluster = cluster;
    this.#existing = existing;
    const { requiredAffinity, requiredAntiAffinity } = pod.terms;
    if (requiredAffinity.length > 0) {
      const counts = cluster.podCounts.of(selectionOfAll(requiredAffinity, cluster));
      for (const { topologyKey } of requiredAffinity) this.#near.addNodes(cluster, counts, topologyKey);
    }
    for (const term of requiredAntiAffinity) {
      this.#far.addNodes(cluster, cluster.podCounts.of(selectionOfAll([term], cluster)), term.topologyKey);
    }
    this.#isOwnKind = requiredAffinity.length > 0 && selects(selectionOfAll(requiredAffinity, cluster), pod);
  }

  check({ labels }: { readonly labels: Readonly<Record<string, string>> }) {
    if (!this.#isNear(labels)) return notNear;
    if (this.#far.touches(labels)) return tooNear;
    return this.#existing.touches(labels) ? unwanted : undefined;
  }

  change({ labels }: { readonly labels: Readonly<Record<string, string>> }, other: PodInfo, by: 1 | -1): void {
    const { requiredAffinity, requiredAntiAffinity } = this.#pod.terms;
    const namespaceLabels = this.#cluster.namespaceLabels(this.#pod.namespace);
    for (const term of other.terms.requiredAntiAffinity) {
      if (termMatches(term, this.#pod, namespaceLabels)) this.#existing.add(labels, term.topologyKey, by);
    }
    if (requiredAffinity.length > 0 && this.#selects(requiredAffinity, other)) {
      for (const { topologyKey } of requiredAffinity) this.#near.add(labels, topologyKey, by);
    }
    for (const term of requiredAntiAffinity) {
      if (this.#selects([term], other)) this.#far.add(labels, term.topologyKey, by);
    }
  }

  #selects(terms: readonly PodTerm[], other: PodInfo): boolean {
    return selects(selectionOfAll(terms, this.#cluster), other);
  }

  #isNear(labels: Readonly<Record<string, string>>): boolean {
    let isNear = true;
    for (const { topologyKey } of this.#pod.terms.requiredAffinity) {
      const value = labels[topologyKey];
      if (value === undefined) return false;
      if (this.#near.get(topologyKey, value) <= 0) isNear = false;
    }
    return isNear || (this.#near.isEmpty && this.#isOwnKind);
  }
}

/** What the pod would like, and what pods that are there would like of it. */
function preferences(pod: PodInfo, cluster: Cluster): TopologyCounts {
  const weights = new TopologyCounts();
  const { preferredAffinity, preferredAntiAffinity } = pod.terms;
  for (const [terms, sign] of [
    [preferredAffinity, 1],
    [preferredAntiAffinity, -1],
  ] as const) {
    for (const { term, weight } of terms) {
      weights.addNodes(cluster, cluster.podCounts.of(selectionOfAll([term], cluster)), term.topologyKey, sign * weight);
    }
  }
  if (cluster.preferences.size === 0) return weights;
  const namespaceLabels = cluster.namespaceLabels(pod.namespace);
  for (const { term, weight, nodes } of cluster.preferences.candidates(pod.labels)) {
    if (termMatches(term, pod, namespaceLabels)) weights.addNodes(cluster, nodes, term.topologyKey, weight);
  }
  return weights;
}

/** The lowest is 0, the highest 100; all alike are 0. */
function normalizeToRange(scores: Float64Array): void {
  let min = Infinity;
  let max = -Infinity;
  for (const score of scores) {
    if (score < min) min = score;
    if (score > max) max = score;
  }
  for (let i = 0; i < scores.length; i++) {
    scores[i] = max > min ? Math.floor((maxScore * (scores[i]! - min)) / (max - min)) : 0;
  }
}
