/**
 * The cluster as the scheduler decides on it: nodes with their pods, kept up with every event. A cycle reads it in one
 * turn of the event loop, so no copy has to be made of it. Pods that were given a node count there at once ("assumed"),
 * before the API shows it (pkg/scheduler/backend/cache).
 */
import type { Node } from "../../../model/kubernetes.ts";
import type { Labels } from "../../../model/label_selector.ts";
import type { PodInfo } from "../model/pod_info.ts";
import { NodeInfo } from "./node_info.ts";
import { zoneOf, zonesInTurn } from "./node_order.ts";
import { Nominations } from "./nominations.ts";
import type { ClusterObjects } from "./objects.ts";
import { increase, PodCounts } from "./pod_counts.ts";
import { TermIndex } from "./term_index.ts";
import { AssumedVolumes } from "./assumed_volumes.ts";

/** An existing pod's required affinity pulls pods that it would like near with this weight (HardPodAffinityWeight). */
const hardAffinityWeight = 1;

interface Placed {
  readonly pod: PodInfo;
  readonly nodeName: string;
  readonly isAssumed: boolean;
}

export class Cluster {
  readonly objects: ClusterObjects;
  readonly nominations = new Nominations();
  readonly assumedVolumes = new AssumedVolumes();
  readonly podCounts: PodCounts;
  /** Required anti-affinity of pods that have a node. */
  readonly antiAffinity = new TermIndex();
  /** What those pods would like: preferred terms, anti-affinity with a negative weight, and required affinity. */
  readonly preferences = new TermIndex();
  /** Images' names → nodes that have them. */
  readonly imageNodes = new Map<string, number>();
  readonly #nodes = new Map<string, NodeInfo>();
  /** By uid. */
  readonly #placed = new Map<string, Placed>();
  /** namespace/claim → pods that use it, those of one node or none counted. */
  readonly claimUsers = new Map<string, number>();
  #order: NodeInfo[] | undefined;

  constructor(objects: ClusterObjects) {
    this.objects = objects;
    const placed = this.#placed;
    this.podCounts = new PodCounts(function* () {
      for (const { nodeName, pod } of placed.values()) yield [nodeName, pod] as const;
    });
  }

  /** Nodes that exist, zones taking turns. */
  get nodes(): readonly NodeInfo[] {
    return (this.#order ??= zonesInTurn([...this.#nodes.values()].filter(({ node }) => node !== undefined)));
  }

  node(name: string): NodeInfo | undefined {
    const found = this.#nodes.get(name);
    return found?.node ? found : undefined;
  }

  namespaceLabels(namespace: string): Labels | undefined {
    return this.objects.namespaces.get(namespace)?.metadata.labels;
  }

  setNode(node: Node): void {
    const info = this.#infoOf(node.metadata.name);
    const zone = info.node ? zoneOf(info) : undefined;
    this.#countImages(info, -1);
    info.setNode(node);
    this.#countImages(info, 1);
    if (zone !== zoneOf(info)) this.#order = undefined;
  }

  /** Its pods stay known until they go. */
  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (!info) return;
    this.#countImages(info, -1);
    info.setNode(undefined);
    this.#order = undefined;
    this.#dropUnused(info);
  }

  /** A pod that the API shows on a node, as it is now. */
  setPod(pod: PodInfo, nodeName: string): void {
    this.#place({ pod, nodeName, isAssumed: false });
  }

  /** A pod that was just given this node. */
  assume(pod: PodInfo, nodeName: string): void {
    this.#place({ pod, nodeName, isAssumed: true });
  }

  isAssumed(uid: string): boolean {
    return this.#placed.get(uid)?.isAssumed === true;
  }

  nodeOfPod(uid: string): string | undefined {
    return this.#placed.get(uid)?.nodeName;
  }

  removePod(uid: string): void {
    const placed = this.#placed.get(uid);
    if (!placed) return;
    this.#placed.delete(uid);
    const info = this.#infoOf(placed.nodeName);
    info.remove(placed.pod);
    this.#index(placed, -1);
    this.#dropUnused(info);
  }

  #place(placed: Placed): void {
    const { pod, nodeName } = placed;
    const before = this.#placed.get(pod.uid);
    if (before && before.nodeName === nodeName && isIndexedAlike(before.pod, pod)) {
      const info = this.#infoOf(nodeName);
      info.remove(before.pod);
      info.add(pod);
      this.#placed.set(pod.uid, placed);
      return;
    }
    this.removePod(pod.uid);
    this.#placed.set(pod.uid, placed);
    this.#infoOf(nodeName).add(pod);
    this.#index(placed, 1);
  }

  #index({ pod, nodeName }: Placed, by: 1 | -1): void {
    this.podCounts.change(nodeName, pod, by);
    for (const claim of pod.claims) increase(this.claimUsers, `${pod.namespace}/${claim}`, by);
    const { requiredAffinity, requiredAntiAffinity, preferredAffinity, preferredAntiAffinity } = pod.terms;
    for (const term of requiredAntiAffinity) this.antiAffinity.change(nodeName, { term, weight: 1 }, by);
    for (const term of requiredAffinity) this.preferences.change(nodeName, { term, weight: hardAffinityWeight }, by);
    for (const preferred of preferredAffinity) this.preferences.change(nodeName, preferred, by);
    for (const { term, weight } of preferredAntiAffinity) {
      this.preferences.change(nodeName, { term, weight: -weight }, by);
    }
  }

  #countImages({ images }: NodeInfo, by: 1 | -1): void {
    for (const name of images.keys()) increase(this.imageNodes, name, by);
  }

  #infoOf(name: string): NodeInfo {
    let info = this.#nodes.get(name);
    if (!info) {
      info = new NodeInfo(name);
      this.#nodes.set(name, info);
    }
    return info;
  }

  #dropUnused(info: NodeInfo): void {
    if (!info.node && info.pods.size === 0) this.#nodes.delete(info.name);
  }
}

/** Labels and its end are all that may change of what the indexes know of a pod: affinity and volumes may not. */
function isIndexedAlike(a: PodInfo, b: PodInfo): boolean {
  if (a.isTerminating !== b.isTerminating) return false;
  const keys = Object.keys(a.labels);
  return keys.length === Object.keys(b.labels).length && keys.every((key) => a.labels[key] === b.labels[key]);
}
