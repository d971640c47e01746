/** Nodes, pods and a cluster of them, as short as a table of cases needs them. */
import { ObjectStore } from "../../../../src/api/object_store.ts";
import { Cluster } from "../../../../src/controlplane/scheduler/cluster/cluster.ts";
import type { ClusterObjects } from "../../../../src/controlplane/scheduler/cluster/objects.ts";
import { PodInfo } from "../../../../src/controlplane/scheduler/model/pod_info.ts";
import type { Node, Pod } from "../../../../src/model/kubernetes.ts";

export type PodSpec = Partial<Pod["spec"]>;

const created = "2026-01-01T00:00:00Z";
let revisions = 0;

export interface NodeOptions {
  readonly labels?: Readonly<Record<string, string>>;
  /** Default: 4 CPUs, 8 GiB, 110 pods. */
  readonly allocatable?: Readonly<Record<string, string>>;
  readonly taints?: readonly { key: string; value?: string; effect: string }[];
  readonly unschedulable?: boolean;
  readonly images?: readonly { names: string[]; sizeBytes: number }[];
}

export function node(name: string, options: NodeOptions = {}): Node {
  const { labels = {}, allocatable = {}, taints, unschedulable, images } = options;
  const metadata = meta(name, { labels: { "kubernetes.io/hostname": name, ...labels } });
  const resources = { cpu: "4", memory: "8Gi", pods: "110", ...allocatable };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata,
    spec: { ...(taints ? { taints } : {}), ...(unschedulable ? { unschedulable } : {}) },
    status: { allocatable: resources, capacity: resources, ...(images ? { images } : {}) },
  };
}

export interface PodOptions {
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly requests?: Readonly<Record<string, string>>;
  readonly priority?: number;
  readonly spec?: PodSpec;
  readonly status?: Pod["status"];
  readonly deletionTimestamp?: string;
}

export function pod(name: string, options: PodOptions = {}): Pod {
  const { namespace = "default", labels, requests, priority, spec, status, deletionTimestamp } = options;
  const container = { name: "main", image: "app", ...(requests ? { resources: { requests } } : {}) };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: meta(name, {
      namespace,
      ...(labels ? { labels } : {}),
      ...(deletionTimestamp ? { deletionTimestamp } : {}),
    }),
    spec: { containers: [container], ...(priority === undefined ? {} : { priority }), ...spec },
    status: { phase: "Pending", ...status },
  };
}

function meta(name: string, more: object) {
  return { name, uid: `uid-${name}`, resourceVersion: String(++revisions), creationTimestamp: created, ...more };
}

export function info(name: string, options: PodOptions = {}): PodInfo {
  return new PodInfo(pod(name, options));
}

export function objects(): ClusterObjects {
  return {
    namespaces: new ObjectStore(),
    services: new ObjectStore(),
    replicationControllers: new ObjectStore(),
    replicaSets: new ObjectStore(),
    statefulSets: new ObjectStore(),
    persistentVolumes: new ObjectStore(),
    persistentVolumeClaims: new ObjectStore(),
    storageClasses: new ObjectStore(),
    csiNodes: new ObjectStore(),
    podDisruptionBudgets: new ObjectStore(),
  };
}

/** @param placed node's name → the pods on it */
export function clusterOf(nodes: readonly Node[], placed: Readonly<Record<string, readonly PodInfo[]>> = {}): Cluster {
  const cluster = new Cluster(objects());
  for (const each of nodes) cluster.setNode(each);
  for (const [nodeName, pods] of Object.entries(placed)) for (const each of pods) cluster.setPod(each, nodeName);
  return cluster;
}
