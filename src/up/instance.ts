/** Where everything of one `fairlead up` is. Two of them on one machine share nothing but the kernel. */
import { createHash } from "node:crypto";
import path from "node:path";

export const defaultDataDir = "/var/lib/fairlead";

export interface Instance {
  /** "fairlead", or "fairlead-1a2b3c" where the data directory is not the default: names its folder and control group. */
  readonly name: string;
  /** What outlives a reboot; `fairlead server` keeps its own there too. */
  readonly dataDir: string;
  /** What does not: sockets, process numbers, the runtime's state. Short, for a socket's path has 107 bytes. */
  readonly runDir: string;
  /** Below which the pods' control groups are. */
  readonly cgroupRoot: string;
  readonly adminKubeconfig: string;
  /** What this cluster was started with, for the commands behind `up`. */
  readonly settingsFile: string;
  readonly supervisorPid: string;
  readonly logDir: string;
  readonly podLogDir: string;
  readonly localPathDir: string;
  readonly containerd: {
    readonly config: string;
    readonly root: string;
    readonly state: string;
    readonly socket: string;
  };
  readonly cni: {
    readonly binDir: string;
    readonly confDir: string;
    readonly socket: string;
    readonly stateDir: string;
  };
  readonly node: {
    readonly rootDir: string;
    readonly config: string;
    readonly kubeconfig: string;
    /** How a node that joins asks for its certificate. */
    readonly bootstrapKubeconfig: string;
    /** The certificate that it got. */
    readonly certificate: string;
  };
}

export function instanceOf(dataDir: string): Instance {
  const isDefault = dataDir === defaultDataDir;
  const name = isDefault ? "fairlead" : `fairlead-${createHash("sha256").update(dataDir).digest("hex").slice(0, 6)}`;
  const data = (...parts: string[]): string => path.join(dataDir, ...parts);
  const run = (...parts: string[]): string => path.join("/run", name, ...parts);
  return {
    name,
    dataDir,
    runDir: run(),
    cgroupRoot: `/${name}`,
    adminKubeconfig: data("admin.kubeconfig"),
    settingsFile: data("up.json"),
    supervisorPid: run("up.pid"),
    logDir: data("logs"),
    podLogDir: data("logs/pods"),
    localPathDir: data("local-path"),
    containerd: {
      config: data("containerd/config.toml"),
      root: data("containerd/root"),
      state: run("containerd"),
      socket: run("containerd.sock"),
    },
    cni: { binDir: data("cni/bin"), confDir: run("net.d"), socket: run("cni.sock"), stateDir: run("network") },
    node: {
      rootDir: data("kubelet"),
      config: data("node/config.yaml"),
      kubeconfig: data("node/kubeconfig"),
      bootstrapKubeconfig: data("node/bootstrap.kubeconfig"),
      certificate: data("kubelet/pki/kubelet-client-current.pem"),
    },
  };
}

/** Of a further node of the same machine: an instance of its own. @param number 2 for the second */
export function furtherInstance({ dataDir }: Instance, number: number): Instance {
  return instanceOf(path.join(dataDir, "nodes", String(number)));
}

/** There while the node is to stay stopped (`fairlead node stop`). */
export function stoppedFile({ dataDir }: Instance): string {
  return path.join(dataDir, "stopped");
}

/** The parts that are processes, in the order of their start. */
export const partNames = ["containerd", "server", "node"] as const;
export type PartName = (typeof partNames)[number];

export function partFiles(
  { runDir, logDir }: Instance,
  part: PartName,
): { readonly pid: string; readonly log: string } {
  return { pid: path.join(runDir, `${part}.pid`), log: path.join(logDir, `${part}.log`) };
}
