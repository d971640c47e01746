/** Kubelets that are measured, each on a node of its own: `fairlead server`, containerd, Debian's bridge plugin. */
import { eventually } from "../../../test/fixtures/eventually.ts";
import { nodeName, startKubeletNode, type KubeletNode } from "../../../test/fixtures/kubelet_node.ts";
import { renderNodeRights } from "../../../src/up/render.ts";
import { existsSync } from "node:fs";
import path from "node:path";

export interface KubeletSystem {
  readonly name: string;
  readonly what: string;
  readonly missing: () => string | undefined;
  readonly start: () => Promise<KubeletNode>;
}

export function noContainerd(): string | undefined {
  return existsSync("/usr/bin/containerd") ? undefined : "containerd is not installed";
}

export const fairleadKubelet: KubeletSystem = {
  name: "fairlead kubelet",
  what: "fairlead kubelet with its defaults",
  missing: noContainerd,
  start: () => startKubeletNode(),
};

/** The rival: the kubelet that KUBELET names. */
export const upstreamKubelet: KubeletSystem = {
  name: "kubelet",
  what: "upstream's kubelet with its defaults",
  missing: () => noContainerd() ?? (process.env["KUBELET"] ? undefined : "KUBELET is not set"),
  async start() {
    const program = { argv: [path.resolve(process.env["KUBELET"]!)], says: "" };
    // From 1.35 on it refuses cgroup v1 unless it is told not to.
    const node = await startKubeletNode({ failCgroupV1: false, enableServer: true }, { program });
    await ready(node);
    return node;
  },
};

const nodeIp = "192.0.2.1";

/** Kubelet, service proxy and pod network in one process; its pods are linked by Debian's bridge plugin all the same. */
export const fairleadNode: KubeletSystem = {
  name: "fairlead node",
  what: "kubelet, service proxy and pod network in one process",
  missing: noContainerd,
  async start() {
    const node = await startKubeletNode(
      {},
      {
        program: { argv: [path.resolve("fairlead"), "node"], says: "all parts serve" },
        documents,
        prepare: async ({ run, here }) => {
          await here("ip", "address", "add", `${nodeIp}/32`, "dev", "lo");
          await run(["apply", "-f", "-"], { apiVersion: "v1", kind: "List", items: renderNodeRights() });
        },
      },
    );
    await ready(node);
    return node;
  },
};

function documents(folder: string): readonly object[] {
  return [
    {
      apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
      kind: "KubeProxyConfiguration",
      mode: "nftables",
      clusterCIDR: "10.244.0.0/16",
      conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
    },
    {
      apiVersion: "network.config.fairlead.io/v1alpha1",
      kind: "NetworkConfiguration",
      nodeIPs: [nodeIp],
      clusterCIDRs: ["10.244.0.0/16"],
      cni: { socket: `${folder}/cni.sock`, confDir: `${folder}/net.d`, writeConflist: false },
      stateDir: `${folder}/network`,
    },
  ];
}

async function ready(node: KubeletNode): Promise<void> {
  const isReady = async (): Promise<boolean> => {
    const { code, stdout } = await node.kubectl(["get", "node", nodeName, "-o", "json"]);
    if (code !== 0) return false;
    const { status } = JSON.parse(stdout) as { status: { conditions?: { type: string; status: string }[] } };
    return status.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;
  };
  await eventually("a node that is ready", isReady, 90_000);
}
