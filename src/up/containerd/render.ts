/** The configuration of a containerd that is ours alone: root, state and socket of its own (containerd 1.6, version 2). */
import type { Instance } from "../instance.ts";

export interface ContainerdFacts {
  /** Without CAP_SYS_RESOURCE nobody can be given a lower oom_score_adj, and runc fails where it is asked to. */
  readonly mayLowerOomScore: boolean;
  readonly hasAppArmor: boolean;
  readonly sandboxImage: string;
}

/** Snapshotters and exporters that probe the machine at each start, for nothing. */
const disabled = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.internal.v1.tracing",
];

export function renderContainerd({ containerd, cni, dataDir, runDir }: Instance, facts: ContainerdFacts): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  const text = (value: string): string => JSON.stringify(value);
  return `version = 2
root = ${text(containerd.root)}
state = ${text(containerd.state)}
temp = ${text(`${dataDir}/containerd/tmp`)}
disabled_plugins = [${disabled.map(text).join(", ")}]
oom_score = 0
[grpc]
  address = ${text(containerd.socket)}
[debug]
  level = "warn"
[plugins."io.containerd.internal.v1.opt"]
  path = ${text(`${dataDir}/containerd/opt`)}
[${cri}]
  sandbox_image = ${text(facts.sandboxImage)}
  restrict_oom_score_adj = ${!facts.mayLowerOomScore}
  disable_apparmor = ${!facts.hasAppArmor}
  netns_mounts_under_state_dir = true
  [${cri}.cni]
    bin_dir = ${text(cni.binDir)}
    conf_dir = ${text(cni.confDir)}
  [${cri}.registry]
    config_path = "/etc/containerd/certs.d"
  [${cri}.containerd]
    snapshotter = "overlayfs"
    [${cri}.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [${cri}.containerd.runtimes.runc.options]
        Root = ${text(`${runDir}/runc`)}
`;
}
