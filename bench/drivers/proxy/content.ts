/** What a cluster's Services look like on the wire: the same for the same parameters, with all that a server adds. */
import type { EndpointSlice, Service } from "../../../src/model/kubernetes.ts";

export type ProxyParameters = {
  readonly services: number;
  /** Of each Service. */
  readonly endpoints: number;
};

/** Wide enough for 65,535 Services. */
export const serviceCidr = "10.96.0.0/16";
/** All pods: those that packets go to as well. */
export const clusterCidr = "10.0.0.0/8";
/** The node that the proxy serves; endpoints are on others. */
export const nodeName = "bench";
export const servicePort = 80;
export const targetPort = 8080;
const namespaces = 50;
const createdAt = "2026-01-02T03:04:05Z";

/** @param i from 0 on */
export function clusterIp(i: number): string {
  const host = i + 1;
  return `10.96.${host >> 8}.${host & 255}`;
}

/** @param generation counts how often all endpoints of the Service were replaced: none of them comes again */
export function endpointAddress(i: number, endpoint: number, generation = 0): string {
  const host = i + 1;
  return `10.${128 + ((generation * 16 + endpoint) % 127)}.${host >> 8}.${host & 255}`;
}

export function endpointAddresses(i: number, { endpoints }: ProxyParameters, generation = 0): readonly string[] {
  return Array.from({ length: endpoints }, (_, k) => endpointAddress(i, k, generation));
}

export function serviceKey(i: number): { readonly namespace: string; readonly name: string } {
  return { namespace: `team-${i % namespaces}`, name: `service-${String(i).padStart(5, "0")}` };
}

export const allNamespaces: readonly string[] = Array.from({ length: namespaces }, (_, i) => `team-${i}`);

/** Digits alike for all, so that objects have a size that clusters have. */
function uid(kind: number, i: number): string {
  return `0c5f3f5e-${String(kind).padStart(4, "0")}-4a1b-9c3d-${String(i).padStart(12, "0")}`;
}

export function serviceObject(i: number): Service {
  const { namespace, name } = serviceKey(i);
  const labels = { "app.kubernetes.io/name": name, "app.kubernetes.io/instance": "bench" };
  const ip = clusterIp(i);
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name,
      namespace,
      uid: uid(1, i),
      resourceVersion: String(1000 + i),
      creationTimestamp: createdAt,
      labels,
      ...fieldManagers("kubectl-create", "v1", { "f:spec": { "f:ports": {}, "f:selector": {}, "f:type": {} } }),
    },
    spec: {
      clusterIP: ip,
      clusterIPs: [ip],
      internalTrafficPolicy: "Cluster",
      ipFamilies: ["IPv4"],
      ipFamilyPolicy: "SingleStack",
      ports: [{ name: "http", protocol: "TCP", port: servicePort, targetPort }],
      selector: labels,
      sessionAffinity: "None",
      type: "ClusterIP",
    },
    status: { loadBalancer: {} },
  };
}

export function sliceObject(
  i: number,
  addresses: readonly string[],
  resourceVersion = String(100_000 + i),
): EndpointSlice {
  const { namespace, name } = serviceKey(i);
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${name}-x7k2p`,
      generateName: `${name}-`,
      namespace,
      uid: uid(2, i),
      resourceVersion,
      generation: 1,
      creationTimestamp: createdAt,
      labels: {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/instance": "bench",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": name,
      },
      annotations: { "endpoints.kubernetes.io/last-change-trigger-time": createdAt },
      ownerReferences: [
        { apiVersion: "v1", kind: "Service", name, uid: uid(1, i), controller: true, blockOwnerDeletion: true },
      ],
      ...fieldManagers("kube-controller-manager", "discovery.k8s.io/v1", {
        "f:addressType": {},
        "f:endpoints": {},
        "f:metadata": { "f:annotations": {}, "f:labels": {}, "f:ownerReferences": {} },
        "f:ports": {},
      }),
    },
    addressType: "IPv4",
    ports: [{ name: "http", port: targetPort, protocol: "TCP" }],
    endpoints: addresses.map((address, k) => ({
      addresses: [address],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `node-${(i + k) % 100}`,
      zone: `zone-${k % 3}`,
      targetRef: { kind: "Pod", namespace, name: `${name}-6d4b75cb6d-${k}`, uid: uid(3, i * 16 + k) },
    })),
  };
}

function fieldManagers(manager: string, apiVersion: string, fieldsV1: object): object {
  const entry = { manager, operation: "Update", apiVersion, time: createdAt, fieldsType: "FieldsV1", fieldsV1 };
  return { managedFields: [entry] };
}

/** The node that the proxy is on. */
export function nodeObject(): object {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: nodeName, uid: uid(4, 0), resourceVersion: "1", creationTimestamp: createdAt, labels: {} },
    spec: {},
    status: { addresses: [{ type: "InternalIP", address: "10.0.0.1" }] },
  };
}
