/** What a pod's status is made of, and what it is. */
import type { Pod } from "../../../model/kubernetes.ts";
import type { ObservedPod } from "../observed.ts";
import type { ContainerWait } from "../plan_input.ts";

export type ContainerStatus = NonNullable<PodStatus["containerStatuses"]>[number];
export type ContainerState = NonNullable<ContainerStatus["state"]>;
export type PodStatus = NonNullable<Pod["status"]>;

/** Why the kubelet ended a pod by itself. */
export interface Failure {
  readonly reason: string;
  readonly message: string;
  /** What its condition DisruptionTarget says (KEP-3329): the node ended it, not what it did. */
  readonly disruption?: string;
}

export interface StatusInput {
  readonly pod: Pod;
  readonly observed: ObservedPod;
  readonly now: string;
  /** "containerd" */
  readonly runtimeName: string;
  readonly nodeIps: readonly string[];
  readonly waits: ReadonlyMap<string, ContainerWait>;
  readonly isTerminating: boolean;
  /** All containers have ended, and none will be started again. */
  readonly hasEnded: boolean;
  /** Why the kubelet ended it by itself ("Evicted", "DeadlineExceeded"). */
  readonly failure?: Failure;
  /** It was not let in by this node. */
  readonly isRejected: boolean;
  readonly isStarted: (container: string) => boolean;
  readonly isReady: (container: string, id: string) => boolean;
}

export interface ContainerStatuses {
  readonly init: readonly ContainerStatus[];
  readonly regular: readonly ContainerStatus[];
  readonly ephemeral: readonly ContainerStatus[];
}
