/** One scheduling cycle: a pod and the cluster as it is → a node, or why there is none. Pure but for `random`. */
import type { Cluster } from "../cluster/cluster.ts";
import type { PodInfo } from "../model/pod_info.ts";
import { feasibleNodes } from "./feasible.ts";
import type { NamedFilter } from "./filters.ts";
import type { Diagnosis } from "./fit_error.ts";
import type { Plugin } from "./plugin.ts";
import { bestNode, totalScores } from "./scores.ts";
import type { VolumeStep } from "./volume_steps.ts";

export type Decision =
  | { readonly type: "Bind"; readonly nodeName: string; readonly volumeSteps: readonly VolumeStep[] }
  | { readonly type: "NoNodes" }
  | { readonly type: "Unschedulable"; readonly diagnosis: Diagnosis; readonly filters: readonly NamedFilter[] };

const noSteps: readonly VolumeStep[] = [];

export class Cycles {
  readonly #cluster: Cluster;
  readonly #plugins: readonly Plugin[];
  readonly #random: () => number;
  /** Where the next search begins. */
  #startAt = 0;

  constructor(cluster: Cluster, plugins: readonly Plugin[], random: () => number) {
    this.#cluster = cluster;
    this.#plugins = plugins;
    this.#random = random;
  }

  decide(pod: PodInfo): Decision {
    const cluster = this.#cluster;
    const { length: nodeCount } = cluster.nodes;
    if (nodeCount === 0) return { type: "NoNodes" };
    const { filters, nodes, diagnosis, looked } = feasibleNodes(pod, cluster, this.#plugins, this.#startAt);
    this.#startAt = (this.#startAt + looked) % nodeCount;
    if (nodes.length === 0) return { type: "Unschedulable", diagnosis, filters };
    const node =
      nodes.length === 1 ? nodes[0]! : bestNode(nodes, totalScores(pod, cluster, this.#plugins, nodes), this.#random);
    let volumeSteps = noSteps;
    for (const { filter } of filters) if (filter.volumeSteps) volumeSteps = filter.volumeSteps(node);
    return { type: "Bind", nodeName: node.name, volumeSteps };
  }
}
