/**
 * Who reaches what through a Service, and how: the nouns of the flow table (scenarios.ts). Pods `one` and `two` are on this
 * node, `other` is a pod of another node; `client` is outside of the cluster.
 */
import type { EndpointSlice, Service } from "../../src/model/kubernetes.ts";
import type { IpFamily, Protocol } from "../../src/model/service.ts";
import { addresses } from "../fixtures/addresses.ts";

export type Pod = "one" | "two" | "other";
export type Source = Pod | "node" | "client";

export interface EndpointState {
  readonly pod: Pod;
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
  readonly zones?: readonly string[];
  readonly nodes?: readonly string[];
}

export type Expected =
  /** All of these and no others, in enough attempts. */
  | { readonly reaches: readonly Pod[]; readonly as: "itself" | "node" }
  | "refused"
  | "dropped"
  /** No Service's: it goes where it would go without a proxy. */
  | "left alone";

export interface Flow {
  readonly from: Source;
  readonly to: Destination;
  readonly expect: Expected;
}

export type Destination =
  | "cluster IP"
  | "external IP"
  | "load balancer"
  | "node port"
  | "node port at another address of the node"
  | "wrong port of the cluster IP"
  | "unallocated cluster IP";

export interface Scenario {
  readonly name: string;
  /** With real packets; traces do all of them. Default: TCP. */
  readonly protocols?: readonly ("TCP" | "UDP")[];
  readonly spec?: Partial<Service["spec"]>;
  readonly exposed?: boolean;
  readonly endpoints: readonly EndpointState[];
  readonly masqueradeAll?: boolean;
  /** KubeProxyConfiguration; default: ClusterCIDR. */
  readonly detectLocal?: "none" | "ClusterCIDR" | "NodeCIDR" | "BridgeInterface" | "InterfaceNamePrefix";
  /** Of the load balancer's address; default: VIP. */
  readonly ipMode?: "VIP" | "Proxy";
  readonly flows: readonly Flow[];
}

/** Zone of the node that is tested. */
export const zone = "a";
export const nodeName = "node";
export const servicePort = 80;
export const targetPort = 8080;
export const nodePort = 30080;

const at: Readonly<Record<IpFamily, { clusterIp: string; externalIp: string; loadBalancerIp: string; free: string }>> =
  {
    IPv4: {
      clusterIp: "10.96.0.10",
      externalIp: "198.51.100.10",
      loadBalancerIp: "198.51.100.20",
      free: "10.96.77.77",
    },
    IPv6: {
      clusterIp: "fd00:10:96::10",
      externalIp: "2001:db8:51::10",
      loadBalancerIp: "2001:db8:51::20",
      free: "fd00:10:96::7777",
    },
  };

export function destination(to: Destination, family: IpFamily): { readonly address: string; readonly port: number } {
  const { clusterIp, externalIp, loadBalancerIp, free } = at[family];
  switch (to) {
    case "cluster IP":
      return { address: clusterIp, port: servicePort };
    case "external IP":
      return { address: externalIp, port: servicePort };
    case "load balancer":
      return { address: loadBalancerIp, port: servicePort };
    case "node port":
      return { address: addresses[family].node, port: nodePort };
    case "node port at another address of the node":
      return { address: addresses[family].nodeInside, port: nodePort };
    case "wrong port of the cluster IP":
      return { address: clusterIp, port: servicePort + 1 };
    case "unallocated cluster IP":
      return { address: free, port: servicePort };
  }
}

export function podAddress(pod: Pod, family: IpFamily): string {
  const { pods, remotePod } = addresses[family];
  return pod === "other" ? remotePod : pods[pod];
}

const meta = { namespace: "default", name: "web", uid: "1", resourceVersion: "1", creationTimestamp: "" };

/** The scenario's Service as the API has it. */
export function serviceOf({ spec, exposed, ipMode = "VIP" }: Scenario, family: IpFamily, protocol: Protocol): Service {
  const { clusterIp, externalIp, loadBalancerIp } = at[family];
  const external = exposed
    ? { type: "LoadBalancer", externalIPs: [externalIp], externalTrafficPolicy: "Cluster" }
    : { type: "ClusterIP" };
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: meta,
    spec: {
      ...external,
      clusterIP: clusterIp,
      clusterIPs: [clusterIp],
      ...(spec?.loadBalancerSourceRanges
        ? { loadBalancerSourceRanges: rangesOf(spec.loadBalancerSourceRanges, family) }
        : {}),
      ...Object.fromEntries(Object.entries(spec ?? {}).filter(([field]) => field !== "loadBalancerSourceRanges")),
      ports: [{ port: servicePort, protocol, ...(exposed ? { nodePort } : {}) }],
    },
    ...(exposed ? { status: { loadBalancer: { ingress: [{ ip: loadBalancerIp, ipMode }] } } } : {}),
  };
}

/** "client" and "nobody" stand for ranges of either family. */
function rangesOf(names: readonly string[], family: IpFamily): readonly string[] {
  const { client, hostBits } = addresses[family];
  const nobody = { IPv4: "203.0.113.0/24", IPv6: "2001:db8:113::/48" };
  return names.map((name) => (name === "client" ? `${client}/${hostBits}` : nobody[family]));
}

export function sliceOf({ endpoints }: Scenario, family: IpFamily, protocol: Protocol): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...meta, name: "web-1" },
    addressType: family,
    ports: [{ name: "", port: targetPort, protocol }],
    endpoints: endpoints.map(({ pod, ready, serving, terminating, zones, nodes }) => ({
      addresses: [podAddress(pod, family)],
      nodeName: pod === "other" ? "other" : nodeName,
      conditions: {
        ...(ready === undefined ? {} : { ready }),
        ...(serving === undefined ? {} : { serving }),
        ...(terminating === undefined ? {} : { terminating }),
      },
      ...(zones || nodes ? { hints: { forZones: named(zones), forNodes: named(nodes) } } : {}),
    })),
  };
}

function named(names: readonly string[] = []): readonly { readonly name: string }[] {
  return names.map((name) => ({ name }));
}

/** For the name of a test. */
export function expectedText(expected: Expected): string {
  return typeof expected === "string" ? expected : `${expected.reaches.join(", ")} as ${expected.as}`;
}
