/** What `up` tells the parts that it starts: configuration documents and flags. */
import path from "node:path";
import type { Instance, PartName } from "./instance.ts";
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
    authentication: { x509: { clientCAFile: path.join(instance.dataDir, "pki/ca.crt") } },
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

/** What each part is started with, behind `fairlead`; containerd is a program of its own. */
export function renderArguments(
  instance: Instance,
  settings: UpSettings,
): Readonly<Record<PartName, readonly string[]>> {
  const { nodeIp, nodeName, securePort, serviceCidr, clusterCidr } = settings;
  const { dataDir, node, containerd, localPathDir } = instance;
  return {
    containerd: ["--config", containerd.config],
    server: [
      ...["server", "--data-dir", dataDir, "--secure-port", String(securePort), "--advertise-address", nodeIp],
      ...["--tls-san", nodeName, "--tls-san", nodeIp, "--tls-san", "127.0.0.1", "--tls-san", "localhost"],
      ...["--service-cluster-ip-range", serviceCidr, "--cluster-cidr", clusterCidr],
      ...["--local-path-folder", localPathDir, "--log-format", "json"],
    ],
    node: [
      ...["node", "--config", node.config, "--kubeconfig", node.kubeconfig, "--root-dir", node.rootDir],
      ...["--hostname-override", nodeName, "--node-ip", nodeIp, "--log-format", "json"],
      ...["--dns-port", String(dnsPort), "--local-path-folder", localPathDir],
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

/** The Service by whose address pods ask (kubeadm's name and label), and the node behind it. */
export function renderDns(settings: UpSettings): readonly object[] {
  const { nodeIp, nodeName } = settings;
  const metadata = { name: "kube-dns", namespace: "kube-system", labels: { "k8s-app": "kube-dns" } };
  const names = { dns: "UDP", "dns-tcp": "TCP" };
  const ports = (port: number): readonly object[] =>
    Object.entries(names).map(([name, protocol]) => ({ name, protocol, port }));
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata,
    spec: { clusterIP: dnsAddressOf(settings), ports: ports(53) },
  };
  const slice = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `kube-dns-${nodeName}`,
      namespace: metadata.namespace,
      labels: {
        "kubernetes.io/service-name": metadata.name,
        "endpointslice.kubernetes.io/managed-by": "fairlead-up",
      },
    },
    addressType: nodeIp.includes(":") ? "IPv6" : "IPv4",
    endpoints: [{ addresses: [nodeIp], nodeName, conditions: { ready: true } }],
    ports: ports(dnsPort),
  };
  return [service, slice];
}
