/** Every command of `fairlead`, in the order of its help. A command's module is loaded only when it is run. */
import type { Command } from "commander";

interface CommandEntry {
  readonly name: string;
  readonly summary: string;
}

export interface PresentCommand extends CommandEntry {
  /** Loads the module whose `configure` adds the command's options, arguments and action. */
  readonly load: () => Promise<{ configure(command: Command): void }>;
}

export interface AbsentCommand extends CommandEntry {
  /** What is not there yet, as it follows "cannot run 'fairlead up': ". */
  readonly absent: string;
}

export const commandTable: readonly (PresentCommand | AbsentCommand)[] = [
  {
    name: "up",
    summary: "start a whole cluster on this machine: control plane, node agent, kubeconfig",
    load: () => import("./up.ts"),
  },
  {
    name: "down",
    summary: "take away what 'fairlead up' has made",
    load: () => import("./down.ts"),
  },
  {
    name: "status",
    summary: "show the health of the cluster that 'fairlead up' has made",
    load: () => import("./status.ts"),
  },
  {
    name: "logs",
    summary: "show what its parts say",
    load: () => import("./logs.ts"),
  },
  {
    name: "install",
    summary: "let systemd run a cluster, a control plane or a node; or no longer",
    load: () => import("./install.ts"),
  },
  {
    name: "image",
    summary: "import images without a registry, and list them",
    load: () => import("./image.ts"),
  },
  {
    name: "server",
    summary: "start the control plane alone",
    load: () => import("./server.ts"),
  },
  {
    name: "kubeconfig",
    summary: "print the administrator's kubeconfig of a server on this machine",
    load: () => import("./kubeconfig.ts"),
  },
  {
    name: "node",
    summary: "start the node agent: kubelet, service proxy and pod network in one process",
    load: () => import("./node.ts"),
  },
  {
    name: "token",
    summary: "let machines join the cluster by 'fairlead node join'",
    load: () => import("./token.ts"),
  },
  {
    name: "kubelet",
    summary: "drop-in for kubelet",
    load: () => import("./kubelet.ts"),
  },
  {
    name: "proxy",
    summary: "drop-in for kube-proxy",
    load: () => import("./proxy.ts"),
  },
  {
    name: "cni",
    summary: "install the CNI plugin and its network configuration, or remove them",
    load: () => import("./cni.ts"),
  },
  {
    name: "network",
    summary: "start the pod network alone, beside a kubelet and a service proxy",
    load: () => import("./network.ts"),
  },
  {
    name: "dns",
    summary: "start cluster DNS alone, in the place of CoreDNS",
    load: () => import("./dns.ts"),
  },
  {
    name: "trace",
    summary: "explain where a packet goes, and why, from what is programmed",
    load: () => import("./trace.ts"),
  },
  {
    name: "flows",
    summary: "show live flows with the names of Services and pods",
    absent: "the flow log (src/observe) is not there yet",
  },
  {
    name: "capture",
    summary: "write live flows to a pcap file",
    absent: "packet capture (src/observe) is not there yet",
  },
  {
    name: "bench",
    summary: "stand for many nodes; run the performance suite",
    load: () => import("./bench.ts"),
  },
  {
    name: "version",
    summary: "show the versions of Fairlead, node and the kernel, and whether the native add-on loads",
    load: () => import("./version.ts"),
  },
];
