/** A node with the sums of the pods on it, so that no filter has to look at each (pkg/scheduler/framework NodeInfo). */
import type { Node } from "../../../model/kubernetes.ts";
import type { Labels } from "../../../model/label_selector.ts";
import { conflicts, type HostPort } from "../../../model/host_ports.ts";
import type { PodInfo } from "../model/pod_info.ts";
import { wholeValue } from "../../../model/quantities.ts";
import {
  addTo,
  copyOf,
  noResources,
  resourcesOf,
  type MutableResources,
  type Resources,
} from "../../../model/resources.ts";
import type { SelectableNode } from "../../../model/node_selector.ts";
import type { Taint } from "../../../model/taints.ts";

const noLabels: Labels = {};
const noTaints: readonly Taint[] = [];
const noImages: ReadonlyMap<string, number> = new Map();

export class NodeInfo implements SelectableNode {
  readonly name: string;
  /** Pods by uid. */
  readonly pods = new Map<string, PodInfo>();
  requested: MutableResources = noResources();
  nonZeroMilliCpu = 0;
  nonZeroMemory = 0;
  node: Node | undefined;
  labels: Labels = noLabels;
  taints: readonly Taint[] = noTaints;
  isUnschedulable = false;
  allocatable: Resources = noResources();
  allowedPods = 0;
  /** Images by each of their names → bytes. */
  images: ReadonlyMap<string, number> = noImages;
  #podsWithPorts = 0;

  constructor(name: string) {
    this.name = name;
  }

  setNode(node: Node | undefined): void {
    this.node = node;
    this.labels = node?.metadata.labels ?? noLabels;
    this.taints = node?.spec.taints ?? noTaints;
    this.isUnschedulable = node?.spec.unschedulable === true;
    const allocatable = node?.status?.allocatable;
    this.allocatable = resourcesOf(allocatable);
    this.allowedPods = wholeValue(allocatable?.["pods"] ?? "0");
    this.images = node ? imagesOf(node) : noImages;
  }

  add(pod: PodInfo): void {
    this.pods.set(pod.uid, pod);
    this.#sum(pod, 1);
  }

  /** @returns false where it was not there */
  remove({ uid }: PodInfo): boolean {
    const pod = this.pods.get(uid);
    if (!pod) return false;
    this.pods.delete(uid);
    this.#sum(pod, -1);
    return true;
  }

  #sum(pod: PodInfo, sign: 1 | -1): void {
    addTo(this.requested, pod.requests, sign);
    this.nonZeroMilliCpu += sign * pod.nonZeroRequests.milliCpu;
    this.nonZeroMemory += sign * pod.nonZeroRequests.memory;
    if (pod.ports.length > 0) this.#podsWithPorts += sign;
  }

  isPortTaken(wanted: readonly HostPort[]): boolean {
    if (this.#podsWithPorts === 0) return false;
    for (const { ports } of this.pods.values()) {
      if (ports.some((port) => wanted.some((other) => conflicts(port, other)))) return true;
    }
    return false;
  }

  /** The same node with pods of its own, to try out what would be if some went. */
  clone(): NodeInfo {
    const copy = new NodeInfo(this.name);
    copy.node = this.node;
    copy.labels = this.labels;
    copy.taints = this.taints;
    copy.isUnschedulable = this.isUnschedulable;
    copy.allocatable = this.allocatable;
    copy.allowedPods = this.allowedPods;
    copy.images = this.images;
    for (const [uid, pod] of this.pods) copy.pods.set(uid, pod);
    copy.requested = copyOf(this.requested);
    copy.nonZeroMilliCpu = this.nonZeroMilliCpu;
    copy.nonZeroMemory = this.nonZeroMemory;
    copy.#podsWithPorts = this.#podsWithPorts;
    return copy;
  }
}

function imagesOf({ status }: Node): ReadonlyMap<string, number> {
  const images = new Map<string, number>();
  for (const { names = [], sizeBytes = 0 } of status?.images ?? []) {
    for (const name of names) images.set(name, sizeBytes);
  }
  return images.size === 0 ? noImages : images;
}
