import { unresolvable, unschedulable, type Plugin } from "../framework/plugin.ts";
import type { ClusterEvent } from "../framework/events.ts";
import type { PodInfo } from "../model/pod_info.ts";
import { increase } from "../cluster/pod_counts.ts";
import type { NodeInfo } from "../cluster/node_info.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { SpreadConstraint } from "../model/spread.ts";
import { spreadScorer } from "./pod_topology_spread_score.ts";
import { hasAllKeys, isDomain, spreadCounts } from "./spread_domains.ts";

const missingLabel = unresolvable("node(s) didn't match pod topology spread constraints (missing required label)");
const skewed = unschedulable("node(s) didn't match pod topology spread constraints");

export const podTopologySpread: Plugin = {
  name: "PodTopologySpread",
  weight: 2,
  filter(pod, cluster) {
    const { required } = pod.spread;
    if (required.length === 0) return undefined;
    const skews = required.map((constraint) => new Skew(constraint, pod, cluster));
    for (const node of cluster.nodes) if (hasAllKeys(node, required)) for (const skew of skews) skew.addNode(node);
    for (const skew of skews) skew.complete();
    return {
      check({ labels }) {
        for (const { constraint } of skews) if (labels[constraint.topologyKey] === undefined) return missingLabel;
        return skews.every((skew) => skew.allows(labels[skew.constraint.topologyKey]!)) ? undefined : skewed;
      },
      change(node, other, by) {
        if (hasAllKeys(node, required)) for (const skew of skews) skew.change(node, other, by);
      },
    };
  },
  score: spreadScorer,
  helps,
};

/** How one constraint's pods are spread now. */
class Skew {
  readonly constraint: SpreadConstraint;
  readonly #pod: PodInfo;
  readonly #onNodes: ReadonlyMap<string, number>;
  /** The topology key's values of nodes that count → pods. */
  readonly #domains = new Map<string, number>();
  readonly #self: number;
  /** Pods → domains that have so many. */
  readonly #domainsWith = new Map<number, number>();
  #least = Infinity;

  constructor(constraint: SpreadConstraint, pod: PodInfo, cluster: Cluster) {
    this.constraint = constraint;
    this.#pod = pod;
    this.#onNodes = spreadCounts(constraint, pod, cluster);
    this.#self = constraint.matches(pod.labels) ? 1 : 0;
  }

  addNode(node: NodeInfo): void {
    if (!isDomain(node, this.constraint, this.#pod)) return;
    const value = node.labels[this.constraint.topologyKey]!;
    this.#domains.set(value, (this.#domains.get(value) ?? 0) + (this.#onNodes.get(node.name) ?? 0));
  }

  change(node: NodeInfo, other: PodInfo, by: 1 | -1): void {
    const { matches, topologyKey } = this.constraint;
    if (other.namespace !== this.#pod.namespace || other.isTerminating || !matches(other.labels)) return;
    if (!isDomain(node, this.constraint, this.#pod)) return;
    const before = this.#domains.get(node.labels[topologyKey]!);
    if (before === undefined) return;
    this.#domains.set(node.labels[topologyKey]!, before + by);
    increase(this.#domainsWith, before, -1);
    increase(this.#domainsWith, before + by, 1);
    // Counts change by one, so the next least is never farther away.
    if (before + by < this.#least || !this.#domainsWith.has(this.#least)) this.#least = before + by;
  }

  /** All nodes were added. */
  complete(): void {
    for (const pods of this.#domains.values()) {
      increase(this.#domainsWith, pods, 1);
      if (pods < this.#least) this.#least = pods;
    }
  }

  /** Whether one pod more in this domain leaves the skew within bounds. */
  allows(value: string): boolean {
    // Where there are fewer domains than demanded, one that is not there counts as empty (KEP-3022).
    const least = this.#domains.size < this.constraint.minDomains ? 0 : this.#least;
    return (this.#domains.get(value) ?? 0) + this.#self - least <= this.constraint.maxSkew;
  }
}

function helps(event: ClusterEvent, pod: PodInfo): boolean {
  const { required } = pod.spread;
  const counts = (other: PodInfo): boolean =>
    other.namespace === pod.namespace && required.some(({ matches }) => matches(other.labels));
  const hasKeys = (labels: Readonly<Record<string, string>> = {}): boolean =>
    required.every(({ topologyKey }) => labels[topologyKey] !== undefined);
  switch (event.type) {
    case "PodAdd":
    case "PodDelete":
      return counts(event.pod);
    case "PodUpdate":
      return counts(event.pod) !== counts(event.previous) || event.pod.isTerminating !== event.previous.isTerminating;
    case "NodeAdd":
    case "NodeDelete":
      return hasKeys(event.node.metadata.labels);
    case "NodeUpdate": {
      const { labels = {} } = event.node.metadata;
      const { labels: before = {} } = event.previous.metadata;
      if (required.some(({ honorsTaints }) => honorsTaints)) return true;
      if (hasKeys(labels) !== hasKeys(before)) return true;
      if (required.some(({ topologyKey }) => labels[topologyKey] !== before[topologyKey])) return true;
      return pod.requiredNodes !== undefined && JSON.stringify(labels) !== JSON.stringify(before);
    }
    default:
      return false;
  }
}
