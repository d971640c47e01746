/** What `up` tells the parts that it starts: configuration documents and flags. */
import path from "node:path";
import type { Instance, PartName } from "./instance.ts";
import { addressOf } from "./nodes/render.ts";
import { clusterDomain, dnsAddressOf, dnsPort, runtimeEndpointOf, type UpSettings } from "./settings.ts";

/** The documents of `fairlead node`, as JSON, which is YAML too. */
export function renderNodeConfig(instance: Instance, settings: UpSettings): string {
  const kubelet = {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    containerRuntimeEndpoint: runtimeEndpointOf(instance, settings),
    cgroupRoot: instance.cgroupRoot,
    podLogsDir: instance.podLogDir,
    clusterDomain,
    clusterDNS: [dnsAddressOf(settings)],
    // A machine for development swaps, and its pods with it.
    failSwapOn: false,
    authentication: { x509: { clientCAFile: authorityFile(instance) } },
    // A node that joined has its certificate from the cluster, for a year.
    ...(settings.server === undefined ? {} : { rotateCertificates: true }),
  };
  const proxy = {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    clusterCIDR: settings.clusterCidr,
    // The machine is its user's: parameters of its connection tracking stay as they are.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
  };
  const { socket, confDir, stateDir } = instance.cni;
  const network = {
    apiVersion: "network.config.fairlead.io/v1alpha1",
    kind: "NetworkConfiguration",
    clusterCIDRs: [settings.clusterCidr],
    cni: { socket, confDir },
    stateDir,
  };
  return [kubelet, proxy, network].map((document) => `${JSON.stringify(document, undefined, 2)}\n`).join("---\n");
}

export function authorityFile({ dataDir }: Instance): string {
  return path.join(dataDir, "pki/ca.crt");
}

/** What each part is started with, behind `fairlead`; containerd is a program of its own. */
export function renderArguments(
  instance: Instance,
  settings: UpSettings,
): Readonly<Record<PartName, readonly string[]>> {
  const { nodeIp, nodeName, securePort, serviceCidr, clusterCidr, nodeNetwork, server } = settings;
  const { dataDir, node, containerd, localPathDir } = instance;
  return {
    containerd: ["--config", containerd.config],
    server: [
      ...["server", "--data-dir", dataDir, "--secure-port", String(securePort), "--advertise-address", nodeIp],
      ...["--tls-san", nodeName, "--tls-san", nodeIp, "--tls-san", "127.0.0.1", "--tls-san", "localhost"],
      ...["--tls-san", addressOf(nodeNetwork, 1)],
      ...["--service-cluster-ip-range", serviceCidr, "--cluster-cidr", clusterCidr],
      ...["--local-path-folder", localPathDir, "--log-format", "json"],
      // As kubeadm: nodes join by tokens, which somebody has to sign for and to clear away.
      ...["--controllers", "*,bootstrap-signer-controller,token-cleaner-controller"],
      ...(settings.serverFlags ?? []),
    ],
    node: [
      ...["node", "--config", node.config, "--kubeconfig", node.kubeconfig, "--root-dir", node.rootDir],
      ...["--hostname-override", nodeName, "--node-ip", nodeIp, "--log-format", "json"],
      ...["--dns-port", String(dnsPort), "--local-path-folder", settings.localPathFolder ?? localPathDir],
      ...(server === undefined ? [] : ["--bootstrap-kubeconfig", node.bootstrapKubeconfig]),
    ],
  };
}

/** What the node's user may do beyond upstream's system:node: it is service proxy, pod network and cluster DNS too. */
export function renderNodeRights(): readonly object[] {
  const group = { kind: "Group", apiGroup: "rbac.authorization.k8s.io", name: "system:nodes" };
  const binding = (name: string, role: string): object => ({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [group],
  });
  const dns = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "fairlead:cluster-dns" },
    rules: [
      { apiGroups: [""], resources: ["services", "namespaces"], verbs: ["list", "watch"] },
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
    ],
  };
  const localPath = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "fairlead:local-path" },
    rules: [{ apiGroups: [""], resources: ["persistentvolumes"], verbs: ["list", "watch", "patch"] }],
  };
  return [
    binding("fairlead:node-proxier", "system:node-proxier"),
    localPath,
    binding("fairlead:local-path", "fairlead:local-path"),
    dns,
    binding("fairlead:cluster-dns", "fairlead:cluster-dns"),
  ];
}

/**
 * The Service by whose address pods ask (kubeadm's name and label). Each node answers its own pods; the nodes behind it are
 * written by the control plane (controllers/node_dns).
 */
export function renderDns(settings: Pick<UpSettings, "serviceCidr">): readonly object[] {
  const metadata = { name: "kube-dns", namespace: "kube-system", labels: { "k8s-app": "kube-dns" } };
  const names = { dns: "UDP", "dns-tcp": "TCP" };
  const ports = Object.entries(names).map(([name, protocol]) => ({ name, protocol, port: 53 }));
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: { clusterIP: dnsAddressOf(settings), internalTrafficPolicy: "Local", ports },
  };
  return [service];
}
