/** Security contexts as the runtime takes them (pkg/securitycontext, pkg/kubelet/kuberuntime/security_context.go). */
import type { Pod } from "../../../model/kubernetes.ts";
import type {
  LinuxContainerSecurityContext,
  LinuxSandboxSecurityContext,
  NamespaceOption,
  SecurityProfile,
} from "../../cri/messages.ts";
import { allContainers, type ContainerSpec } from "../containers.ts";

export interface SecuritySettings {
  readonly seccompDefault: boolean;
  /** Where profiles of type Localhost are. */
  readonly seccompFolder: string;
}

export function namespacesOf({ spec }: Pod, targetId?: string): NamespaceOption {
  const pid = spec.hostPID ? "NODE" : spec.shareProcessNamespace ? "POD" : "CONTAINER";
  return {
    network: spec.hostNetwork ? "NODE" : "POD",
    pid: targetId === undefined ? pid : "TARGET",
    ipc: spec.hostIPC ? "NODE" : "POD",
    ...(targetId === undefined ? {} : { targetId }),
  };
}

export function sandboxSecurity(pod: Pod, settings: SecuritySettings): LinuxSandboxSecurityContext {
  const context = pod.spec.securityContext ?? {};
  return {
    namespaceOptions: namespacesOf(pod),
    privileged: allContainers(pod).some(({ spec }) => spec.securityContext?.privileged === true),
    seccomp: profileOf(context.seccompProfile, `${settings.seccompFolder}/`) ?? defaultSeccomp(settings, "sandbox"),
    supplementalGroups: groupsOf(pod),
    ...valueOf("runAsUser", context.runAsUser),
    ...(context.runAsUser === undefined ? {} : valueOf("runAsGroup", context.runAsGroup)),
  };
}

export function containerSecurity(
  pod: Pod,
  { securityContext = {} }: ContainerSpec,
  settings: SecuritySettings,
  imageUser: number | undefined,
): LinuxContainerSecurityContext {
  const ofPod = pod.spec.securityContext ?? {};
  const user = securityContext.runAsUser ?? ofPod.runAsUser;
  const group = securityContext.runAsGroup ?? ofPod.runAsGroup;
  const { add = [], drop = [] } = securityContext.capabilities ?? {};
  const seccomp = profileOf(securityContext.seccompProfile ?? ofPod.seccompProfile, `${settings.seccompFolder}/`);
  // A profile of AppArmor is loaded into the kernel: it has a name and no file.
  const apparmor = profileOf(securityContext.appArmorProfile ?? ofPod.appArmorProfile, "");
  const isPrivileged = securityContext.privileged === true;
  const runsAs = user ?? imageUser;
  return {
    namespaceOptions: namespacesOf(pod),
    privileged: isPrivileged,
    readonlyRootfs: securityContext.readOnlyRootFilesystem === true,
    noNewPrivs: securityContext.allowPrivilegeEscalation === false,
    capabilities: { addCapabilities: add, dropCapabilities: drop },
    supplementalGroups: groupsOf(pod),
    seccomp: isPrivileged ? { profileType: "Unconfined" } : (seccomp ?? defaultSeccomp(settings, "container")),
    ...(apparmor ? { apparmor } : {}),
    ...(securityContext.procMount === "Unmasked" ? {} : { maskedPaths, readonlyPaths }),
    ...valueOf("runAsUser", runsAs),
    ...(group === undefined ? {} : valueOf("runAsGroup", group)),
  };
}

/** runAsNonRoot: what it says where it does not hold (verifyRunAsNonRoot). */
export function rootRefusal(
  pod: Pod,
  { securityContext = {}, name }: ContainerSpec,
  image: { readonly uid: number | undefined; readonly username: string },
): string | undefined {
  const ofPod = pod.spec.securityContext ?? {};
  if (!(securityContext.runAsNonRoot ?? ofPod.runAsNonRoot)) return undefined;
  const subject = `(pod: "${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})", container: ${name})`;
  const user = securityContext.runAsUser ?? ofPod.runAsUser;
  if (user !== undefined) {
    return user === 0 ? `container's runAsUser breaks non-root policy ${subject}` : undefined;
  }
  if (image.uid === 0 || (image.uid === undefined && image.username === "")) {
    return `container has runAsNonRoot and image will run as root ${subject}`;
  }
  if (image.uid === undefined) {
    return `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${subject}`;
  }
  return undefined;
}

function valueOf(name: "runAsUser" | "runAsGroup", value: number | undefined): object {
  return value === undefined ? {} : { [name]: { value } };
}

function groupsOf({ spec }: Pod): readonly number[] {
  const { fsGroup, supplementalGroups = [] } = spec.securityContext ?? {};
  return [...supplementalGroups, ...(fsGroup === undefined ? [] : [fsGroup])];
}

interface Profile {
  readonly type: string;
  readonly localhostProfile?: string;
}

function profileOf(profile: Profile | undefined, prefix: string): SecurityProfile | undefined {
  if (!profile) return undefined;
  if (profile.type === "Unconfined" || profile.type === "RuntimeDefault") return { profileType: profile.type };
  return { profileType: "Localhost", localhostRef: prefix + (profile.localhostProfile ?? "") };
}

/** A sandbox is always the runtime's default, as upstream asks; a container only where seccompDefault says so. */
function defaultSeccomp({ seccompDefault }: SecuritySettings, of: "sandbox" | "container"): SecurityProfile {
  return { profileType: seccompDefault || of === "sandbox" ? "RuntimeDefault" : "Unconfined" };
}

/** What hides the host (opencontainers/runtime-spec; upstream's defaultMaskedPaths and defaultReadonlyPaths). */
const maskedPaths = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];
const readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
