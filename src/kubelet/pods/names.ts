/** Labels, annotations and paths by which a pod's parts are found again: upstream's (pkg/kubelet/types, kuberuntime/labels.go). */
import type { Pod } from "../../model/kubernetes.ts";

export const podNameLabel = "io.kubernetes.pod.name";
export const podNamespaceLabel = "io.kubernetes.pod.namespace";
export const podUidLabel = "io.kubernetes.pod.uid";
export const containerNameLabel = "io.kubernetes.container.name";

export const restartCountAnnotation = "io.kubernetes.container.restartCount";
export const messagePathAnnotation = "io.kubernetes.container.terminationMessagePath";
export const messagePolicyAnnotation = "io.kubernetes.container.terminationMessagePolicy";
export const graceAnnotation = "io.kubernetes.pod.terminationGracePeriod";
/** Image as the pod's specification has it: the runtime tells of it in its own words. */
export const imageAnnotation = "fairlead.io/image";
/** Path on the node of what the container writes its last words to. */
export const messageFileAnnotation = "fairlead.io/termination-log";

/** A file's pod is its mirror's too: this one names what the node runs. */
export const configHashAnnotation = "kubernetes.io/config.hash";
/** "api", "file" or "http": who wants a pod (pkg/kubelet/types). */
export const configSourceAnnotation = "kubernetes.io/config.source";
export const configSeenAnnotation = "kubernetes.io/config.seen";
/** Of the API's object that shows a static pod: the hash of what it shows. */
export const configMirrorAnnotation = "kubernetes.io/config.mirror";

/** A pod that no API server asked for. */
export function isStaticPod({ metadata }: Pick<Pod, "metadata">): boolean {
  const source = metadata.annotations?.[configSourceAnnotation];
  return source !== undefined && source !== "api";
}

export function isMirrorPod({ metadata }: Pick<Pod, "metadata">): boolean {
  return metadata.annotations?.[configMirrorAnnotation] !== undefined;
}

export interface Folders {
  /** --root-dir. */
  readonly root: string;
  /** KubeletConfiguration's podLogsDir. */
  readonly podLogs: string;
}

/** Links to logs by names that log collectors know: beside podLogsDir, as /var/log/containers is. */
export function containerLogsFolder({ podLogs }: Folders): string {
  return `${podLogs.replace(/\/[^/]*$/, "")}/containers`;
}

export function podFolder({ root }: Folders, uid: string): string {
  return `${root}/pods/${uid}`;
}

export function podLogFolder({ podLogs }: Folders, { metadata }: Pick<Pod, "metadata">): string {
  return `${podLogs}/${metadata.namespace}_${metadata.name}_${metadata.uid}`;
}

/** Below the pod's folder of logs. */
export function logPathOf(container: string, restartCount: number): string {
  return `${container}/${restartCount}.log`;
}

export function containerLogLink(folders: Folders, { metadata }: Pod, container: string, id: string): string {
  return `${containerLogsFolder(folders)}/${metadata.name}_${metadata.namespace}_${container}-${id}.log`;
}

/** "web_default(uid)" (pkg/kubelet/util/format). */
export function podText({ metadata }: Pick<Pod, "metadata">): string {
  return `${metadata.name}_${metadata.namespace}(${metadata.uid})`;
}
