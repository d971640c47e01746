/** The container that a pod wants (pkg/kubelet/kuberuntime/kuberuntime_container.go). */
import type { Pod } from "../../../model/kubernetes.ts";
import type { ContainerConfig, Mount } from "../../cri/messages.ts";
import { graceSecondsOf, type ContainerSpec } from "../containers.ts";
import * as names from "../names.ts";
import { expand } from "./expansion.ts";
import { containerResources, type ResourceSettings } from "./resources.ts";
import { containerSecurity, namespacesOf, type SecuritySettings } from "./security.ts";

export interface ContainerInput {
  readonly pod: Pod;
  readonly container: ContainerSpec;
  readonly restartCount: number;
  /** The image's id, as it was found. */
  readonly imageId: string;
  readonly imageUser: number | undefined;
  readonly environment: ReadonlyMap<string, string>;
  readonly mounts: readonly Mount[];
  readonly messageFile: string;
  readonly settings: SecuritySettings & ResourceSettings;
  /** Container whose processes an ephemeral one sees. */
  readonly targetId?: string;
}

export function containerConfig(input: ContainerInput): ContainerConfig {
  const { pod, container, restartCount, environment, settings } = input;
  const lookup = (name: string): string | undefined => environment.get(name);
  const security = containerSecurity(pod, container, settings, input.imageUser);
  return {
    metadata: { name: container.name, attempt: restartCount },
    image: { image: input.imageId, userSpecifiedImage: container.image ?? "" },
    command: (container.command ?? []).map((part) => expand(part, lookup)),
    args: (container.args ?? []).map((part) => expand(part, lookup)),
    workingDir: container.workingDir ?? "",
    envs: [...environment].map(([key, value]) => ({ key, value })),
    mounts: [...input.mounts, ...messageMount(input)],
    labels: labelsOf(pod, container),
    annotations: annotationsOf(input),
    logPath: names.logPathOf(container.name, restartCount),
    stdin: container.stdin === true,
    stdinOnce: container.stdinOnce === true,
    tty: container.tty === true,
    linux: {
      resources: containerResources(pod, container, settings),
      securityContext:
        input.targetId === undefined ? security : { ...security, namespaceOptions: namespacesOf(pod, input.targetId) },
    },
  };
}

function messageMount({ container, messageFile }: ContainerInput): readonly Mount[] {
  const containerPath = container.terminationMessagePath ?? "/dev/termination-log";
  return containerPath === "" ? [] : [{ containerPath, hostPath: messageFile }];
}

function labelsOf({ metadata }: Pod, { name }: ContainerSpec): Record<string, string> {
  return {
    [names.podNameLabel]: metadata.name,
    [names.podNamespaceLabel]: metadata.namespace ?? "",
    [names.podUidLabel]: metadata.uid,
    [names.containerNameLabel]: name,
  };
}

function annotationsOf({ pod, container, restartCount, messageFile }: ContainerInput): Record<string, string> {
  return {
    [names.restartCountAnnotation]: String(restartCount),
    [names.messagePathAnnotation]: container.terminationMessagePath ?? "/dev/termination-log",
    [names.messagePolicyAnnotation]: container.terminationMessagePolicy ?? "File",
    [names.graceAnnotation]: String(graceSecondsOf(pod)),
    [names.imageAnnotation]: container.image ?? "",
    [names.messageFileAnnotation]: messageFile,
  };
}
