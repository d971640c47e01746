/**
 * The control groups of this node's pods: the tree of classes, each pod's own, and what is enforced for all pods and for
 * what is reserved (pkg/kubelet/cm, container_manager_linux.go).
 */
import { reasonOf } from "../../errors/message.ts";
import type { EventRecorder, EventSubject } from "../../api/event_recorder.ts";
import { FairleadError } from "../../errors/catalogue.ts";
import type { Pod } from "../../model/kubernetes.ts";
import { qosClasses } from "../../model/qos_class.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { Periodic } from "../../reconcile/periodic.ts";
import { qosClassOf } from "../pods/containers.ts";
import {
  allPodsLimits,
  podCgroupLimits,
  reservedLimits,
  tierLimits,
  type NodeCapacity,
  type PodLimitSettings,
  type ReservedAmounts,
} from "./derive.ts";
import { cgroupNameOf, podCgroupName, podsRoot, podUidOfFolder, qosTier, type CgroupPlace } from "./names.ts";
import type { CgroupTree } from "./tree.ts";

export interface CgroupSettings extends CgroupPlace, PodLimitSettings {
  /** enforceNodeAllocatable. */
  readonly enforces: readonly string[];
  readonly kubeReserved: ReservedAmounts;
  readonly systemReserved: ReservedAmounts;
  readonly kubeReservedCgroup: string;
  readonly systemReservedCgroup: string;
}

export interface NodeCgroupsOptions {
  readonly tree: CgroupTree;
  readonly settings: CgroupSettings;
  readonly capacity: NodeCapacity;
  readonly events: EventRecorder;
  /** Node that Events are about. */
  readonly node: EventSubject;
  readonly clock: Clock;
  readonly onError: (attempted: string, error: unknown) => void;
}

/** What a pod's steps need of it. */
export interface PodCgroups {
  /** Makes the pod's group before anything runs in it. */
  ensure(pod: Pod): Promise<void>;
  /** Changes what bounds it. */
  update(pod: Pod): Promise<void>;
  /** Kills what is left in it, and removes it. */
  remove(uid: string): Promise<void>;
  /** Groups of pods that nobody knows: of a kubelet before this one. */
  removeLeftovers(isKnown: (uid: string) => boolean): Promise<void>;
}

/** Tiers are looked at this often (periodicQOSCgroupUpdateInterval), and what failed is tried again, in ms. */
const periodMs = 60_000;

export class NodeCgroups implements PodCgroups {
  readonly #options: NodeCgroupsOptions;
  #pods: () => Iterable<Pod> = () => [];
  readonly #loop: Periodic;
  #tiers = "";
  #cancelEnforce: (() => void) | undefined;

  constructor(options: NodeCgroupsOptions) {
    this.#options = options;
    this.#loop = new Periodic(options.clock, () => this.#turn());
  }

  /** @param pods those that run or are to run @throws FairleadError CGROUP */
  async start(pods: () => Iterable<Pod>): Promise<void> {
    const { settings } = this.#options;
    this.#pods = pods;
    if (!settings.cgroupsPerQos) return;
    await this.#enforcePods();
    await this.#enforceReserved("system");
    await this.#enforceReserved("kube");
    await this.#loop.start();
  }

  stop(): void {
    this.#loop.stop();
    this.#cancelEnforce?.();
  }

  async ensure(pod: Pod): Promise<void> {
    const { tree, settings } = this.#options;
    if (!settings.cgroupsPerQos) return;
    const name = this.#nameOf(pod);
    if (await tree.exists(name)) return;
    await this.#updateTiers();
    await tree.apply(name, podCgroupLimits(pod, settings));
  }

  async update(pod: Pod): Promise<void> {
    const { tree, settings } = this.#options;
    if (!settings.cgroupsPerQos) return;
    await tree.apply(this.#nameOf(pod), podCgroupLimits(pod, settings));
    await this.#updateTiers();
  }

  async remove(uid: string): Promise<void> {
    const { tree, settings } = this.#options;
    if (!settings.cgroupsPerQos || uid === "") return;
    // Of a pod that the API has no more, the class is not known.
    await Promise.all(qosClasses.map((qos) => tree.remove(podCgroupName(settings, uid, qos))));
  }

  async removeLeftovers(isKnown: (uid: string) => boolean): Promise<void> {
    for (const uid of await this.uids()) {
      if (isKnown(uid)) continue;
      await this.remove(uid).catch((error: unknown) => this.#options.onError("remove a pod's control group", error));
    }
  }

  /** Pods that have a group. */
  async uids(): Promise<readonly string[]> {
    const { tree, settings } = this.#options;
    if (!settings.cgroupsPerQos) return [];
    const lists = await Promise.all(qosClasses.map((qos) => tree.below(qosTier(settings, qos))));
    const uids = lists.flat().map((folder) => podUidOfFolder(folder, tree.driver));
    return [...new Set(uids.filter((uid) => uid !== undefined))];
  }

  #nameOf(pod: Pod) {
    return podCgroupName(this.#options.settings, pod.metadata.uid, qosClassOf(pod));
  }

  /** Pods may use more than what they are to have from now on: it is tried again until it fits. */
  async #enforcePods(): Promise<void> {
    const { tree, settings, capacity, events, node, clock } = this.#options;
    const reserved = settings.enforces.includes("pods") ? [settings.kubeReserved, settings.systemReserved] : [];
    const name = podsRoot(settings);
    try {
      await tree.apply(name, allPodsLimits(capacity, reserved));
      events.event(node, "Normal", "NodeAllocatableEnforced", "Updated Node Allocatable limit across pods");
    } catch (error) {
      const message = `Failed to update Node Allocatable Limits ${JSON.stringify(name)}: ${reasonOf(error)}`;
      events.event(node, "Warning", "FailedNodeAllocatableEnforcement", message);
      if (!(await tree.exists(name))) throw error;
      this.#cancelEnforce = clock.after(periodMs, () => void this.#enforcePods());
    }
  }

  async #enforceReserved(part: "system" | "kube"): Promise<void> {
    const { tree, settings, events, node } = this.#options;
    const compressible = settings.enforces.includes(`${part}-reserved-compressible`);
    if (!compressible && !settings.enforces.includes(`${part}-reserved`)) return;
    const group = settings[`${part}ReservedCgroup`];
    const name = cgroupNameOf(group);
    try {
      if (!(await tree.exists(name))) throw new Error(`${JSON.stringify(name)} cgroup does not exist`);
      await tree.apply(name, reservedLimits(settings[`${part}Reserved`], compressible));
    } catch (cause) {
      const title = part === "system" ? "System" : "Kube";
      const message = `Failed to enforce ${title} Reserved Cgroup Limits on ${JSON.stringify(group)}: ${reasonOf(cause)}`;
      events.event(node, "Warning", "FailedNodeAllocatableEnforcement", message);
      throw new FairleadError("CGROUP", { subject: group, reason: message, cause });
    }
    events.event(node, "Normal", "NodeAllocatableEnforced", `Updated limits on ${part} reserved cgroup ${group}`);
  }

  async #turn(): Promise<number> {
    // Somebody else may have changed them.
    this.#tiers = "";
    await this.#updateTiers().catch((error: unknown) => this.#options.onError("bound the classes of pods", error));
    return periodMs;
  }

  async #updateTiers(): Promise<void> {
    const { tree, settings } = this.#options;
    const limits = tierLimits(this.#pods(), settings.hugepageSizes);
    const text = String(limits.Burstable.cpuShares);
    if (text === this.#tiers) return;
    this.#tiers = text;
    try {
      for (const qos of ["Burstable", "BestEffort"] as const) await tree.apply(qosTier(settings, qos), limits[qos]);
    } catch (error) {
      this.#tiers = "";
      throw error;
    }
  }
}
