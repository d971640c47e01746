/** The parts of a pod's specification that plug-ins read and change. */
import type { ApiObject } from "../resources/resource.ts";

export type ResourceList = Record<string, string | number>;

export interface Container {
  name: string;
  resources?: { requests?: ResourceList; limits?: ResourceList };
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
  restartPolicy?: string;
}

export interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
  tolerationSeconds?: number;
}

export interface PodSpec {
  nodeName?: string;
  serviceAccountName?: string;
  serviceAccount?: string;
  automountServiceAccountToken?: boolean;
  containers?: Container[];
  initContainers?: Container[];
  volumes?: { name: string; projected?: unknown }[];
  imagePullSecrets?: { name: string }[];
  priorityClassName?: string;
  priority?: number;
  preemptionPolicy?: string;
  tolerations?: Toleration[];
  nodeSelector?: Record<string, string>;
  runtimeClassName?: string;
  overhead?: ResourceList;
  activeDeadlineSeconds?: number;
  affinity?: Record<string, unknown>;
  resources?: { requests?: ResourceList; limits?: ResourceList };
}

export function specOf(pod: ApiObject): PodSpec {
  return (pod["spec"] ??= {});
}

const mirrorAnnotation = "kubernetes.io/config.mirror";

/** A node's own static pod, shown to the API. */
export function isMirrorPod(pod: ApiObject): boolean {
  return pod.metadata.annotations?.[mirrorAnnotation] !== undefined;
}
