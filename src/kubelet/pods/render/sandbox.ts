/** The sandbox that a pod wants (pkg/kubelet/kuberuntime/kuberuntime_sandbox.go). */
import type { Pod } from "../../../model/kubernetes.ts";
import { literalName, podCgroupName, type CgroupPlace } from "../../cgroups/names.ts";
import type { PodSandboxConfig, PortMapping } from "../../cri/messages.ts";
import { allContainers, qosClassOf } from "../containers.ts";
import { podLogFolder, podNameLabel, podNamespaceLabel, podUidLabel, type Folders } from "../names.ts";
import { dnsOf, type DnsSettings } from "./dns.ts";
import { sandboxHostName } from "./hosts.ts";
import { sandboxResources, type ResourceSettings } from "./resources.ts";
import { sandboxSecurity, type SecuritySettings } from "./security.ts";

export interface SandboxSettings extends SecuritySettings, CgroupPlace, ResourceSettings {
  readonly folders: Folders;
  readonly dns: DnsSettings;
  readonly nodeName: string;
}

export function sandboxConfig(pod: Pod, attempt: number, settings: SandboxSettings): PodSandboxConfig {
  const { name, namespace = "", uid, labels = {}, annotations = {} } = pod.metadata;
  const sysctls = pod.spec.securityContext?.sysctls ?? [];
  return {
    metadata: { name, namespace, uid, attempt },
    // In the node's network it has the node's name too, and no name of its own to set.
    hostname: pod.spec.hostNetwork ? "" : sandboxHostName(pod, settings.dns.clusterDomain),
    logDirectory: podLogFolder(settings.folders, pod),
    dnsConfig: dnsOf(pod, settings.dns),
    portMappings: portsOf(pod),
    labels: { ...labels, [podNameLabel]: name, [podNamespaceLabel]: namespace, [podUidLabel]: uid },
    annotations: { "kubernetes.io/config.source": "api", ...annotations },
    linux: {
      cgroupParent: podCgroup(pod, settings),
      securityContext: sandboxSecurity(pod, settings),
      sysctls: Object.fromEntries(sysctls.map((sysctl) => [sysctl.name, sysctl.value])),
      ...sandboxResources(pod, settings),
    },
  };
}

function portsOf(pod: Pod): readonly PortMapping[] {
  if (pod.spec.hostNetwork) return [];
  const ports = allContainers(pod).flatMap(({ spec }) => spec.ports ?? []);
  return ports.map(({ protocol = "TCP", containerPort, hostPort = 0, hostIP = "" }) => ({
    protocol: protocol as PortMapping["protocol"],
    containerPort,
    hostPort,
    hostIp: hostIP,
  }));
}

/** "/kubepods/burstable/pod<uid>", or the slice of that name where systemd keeps the groups (pkg/kubelet/cm). */
export function podCgroup(pod: Pod, settings: CgroupPlace): string {
  if (!settings.cgroupsPerQos) return settings.cgroupRoot;
  return literalName(podCgroupName(settings, pod.metadata.uid, qosClassOf(pod)), settings.cgroupDriver);
}
