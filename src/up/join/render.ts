/** What a cluster has to hold for nodes to join it: kubeadm's objects under kubeadm's names, and the node's settings. */
import { stringify } from "yaml";
import { renderNodeRights } from "../render.ts";
import { joiningGroup } from "./token.ts";

const rbac = "rbac.authorization.k8s.io";
/** What a node's configuration is made of, by cluster. */
export const nodeConfigMap = { namespace: "kube-system", name: "fairlead-node" } as const;
/** What anybody may read, to learn where the cluster is; its signature says whether it is the right one. */
export const clusterInfo = { namespace: "kube-public", name: "cluster-info" } as const;

export interface ClusterFacts {
  /** `https://host:port`, as nodes reach it. */
  readonly server: string;
  /** PEM. */
  readonly authority: string;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  /** Of each node: where volumes of the StorageClass local-path are. */
  readonly localPathFolder: string;
}

export function renderJoinObjects(facts: ClusterFacts): readonly object[] {
  return [
    ...renderClusterInfo(facts),
    ...renderNodeConfigMap(facts),
    ...renderBootstrapRights(),
    ...renderNodeRights(),
  ];
}

/** A kubeconfig without a user. */
export function renderClusterKubeconfig({ server, authority }: Pick<ClusterFacts, "server" | "authority">): string {
  const cluster = { server, "certificate-authority-data": Buffer.from(authority).toString("base64") };
  return stringify({ apiVersion: "v1", kind: "Config", clusters: [{ name: "", cluster }] });
}

function renderClusterInfo(facts: ClusterFacts): readonly object[] {
  const name = "kubeadm:bootstrap-signer-clusterinfo";
  const { namespace } = clusterInfo;
  return [
    configMap(clusterInfo, { kubeconfig: renderClusterKubeconfig(facts) }),
    readerRole(namespace, name, clusterInfo.name),
    roleBinding(namespace, name, [{ kind: "User", apiGroup: rbac, name: "system:anonymous" }]),
  ];
}

function renderNodeConfigMap({ clusterCidr, serviceCidr, localPathFolder }: ClusterFacts): readonly object[] {
  const name = "fairlead:node-config";
  const { namespace } = nodeConfigMap;
  return [
    configMap(nodeConfigMap, { clusterCidr, serviceCidr, localPathFolder }),
    readerRole(namespace, name, nodeConfigMap.name),
    roleBinding(namespace, name, ["system:nodes", joiningGroup].map(group)),
  ];
}

/** kubeadm's phases bootstrap-token: who has a token may ask for a node's certificate, and gets it; a node gets the next. */
function renderBootstrapRights(): readonly object[] {
  const requests = "system:certificates.k8s.io:certificatesigningrequests";
  return [
    clusterBinding("kubeadm:kubelet-bootstrap", "system:node-bootstrapper", joiningGroup),
    clusterBinding("kubeadm:node-autoapprove-bootstrap", `${requests}:nodeclient`, joiningGroup),
    clusterBinding("kubeadm:node-autoapprove-certificate-rotation", `${requests}:selfnodeclient`, "system:nodes"),
  ];
}

function configMap(metadata: { readonly namespace: string; readonly name: string }, data: object): object {
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data };
}

function readerRole(namespace: string, name: string, of: string): object {
  const rules = [{ apiGroups: [""], resources: ["configmaps"], resourceNames: [of], verbs: ["get"] }];
  return { apiVersion: `${rbac}/v1`, kind: "Role", metadata: { namespace, name }, rules };
}

function roleBinding(namespace: string, name: string, subjects: readonly object[]): object {
  const roleRef = { apiGroup: rbac, kind: "Role", name };
  return { apiVersion: `${rbac}/v1`, kind: "RoleBinding", metadata: { namespace, name }, roleRef, subjects };
}

function clusterBinding(name: string, role: string, to: string): object {
  const roleRef = { apiGroup: rbac, kind: "ClusterRole", name: role };
  return { apiVersion: `${rbac}/v1`, kind: "ClusterRoleBinding", metadata: { name }, roleRef, subjects: [group(to)] };
}

function group(name: string): object {
  return { kind: "Group", apiGroup: rbac, name };
}
