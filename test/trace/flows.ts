/**
 * Who reaches what through a Service: the same rows for every proxy mode. Pods `one` and `two` are on this
 * node, `other` is a pod of another node; `client` is outside of the cluster.
 */
import type { EndpointSlice, Service } from "../../src/model/kubernetes.ts";
import type { IpFamily } from "../../src/model/service.ts";
import { addresses } from "../fixtures/addresses.ts";

export type Pod = "one" | "two" | "other";
/** SCTP is for kernels that have it. */
export type FlowProtocol = "TCP" | "UDP";
export type Source = Pod | "node" | "client";

export interface EndpointState {
  readonly pod: Pod;
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
  readonly zones?: readonly string[];
}

export type Expected =
  /** All of these and no others, in enough attempts. */
  { readonly reaches: readonly Pod[]; readonly as: "itself" | "node" } | "refused" | "dropped";

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
  | "wrong port of the cluster IP"
  | "unallocated cluster IP";

export interface Scenario {
  readonly name: string;
  readonly protocols?: readonly FlowProtocol[];
  readonly spec?: Partial<Service["spec"]>;
  readonly exposed?: boolean;
  readonly endpoints: readonly EndpointState[];
  readonly masqueradeAll?: boolean;
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
export function serviceOf({ spec, exposed }: Scenario, family: IpFamily, protocol: FlowProtocol): Service {
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
    ...(exposed ? { status: { loadBalancer: { ingress: [{ ip: loadBalancerIp, ipMode: "VIP" }] } } } : {}),
  };
}

/** "client" and "nobody" stand for ranges of either family. */
function rangesOf(names: readonly string[], family: IpFamily): readonly string[] {
  const { client, hostBits } = addresses[family];
  const nobody = { IPv4: "203.0.113.0/24", IPv6: "2001:db8:113::/48" };
  return names.map((name) => (name === "client" ? `${client}/${hostBits}` : nobody[family]));
}

export function sliceOf({ endpoints }: Scenario, family: IpFamily, protocol: FlowProtocol): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...meta, name: "web-1" },
    addressType: family,
    ports: [{ name: "", port: targetPort, protocol }],
    endpoints: endpoints.map(({ pod, ready, serving, terminating, zones }) => ({
      addresses: [podAddress(pod, family)],
      nodeName: pod === "other" ? "other" : nodeName,
      conditions: {
        ...(ready === undefined ? {} : { ready }),
        ...(serving === undefined ? {} : { serving }),
        ...(terminating === undefined ? {} : { terminating }),
      },
      ...(zones ? { hints: { forZones: zones.map((name) => ({ name })) } } : {}),
    })),
  };
}

const all: readonly EndpointState[] = [{ pod: "one" }, { pod: "two" }, { pod: "other" }];
const remote: readonly EndpointState[] = [{ pod: "other" }];
const reaches = (as: "itself" | "node", ...pods: readonly Pod[]): Expected => ({ reaches: pods, as });
const everyPod: readonly Pod[] = ["one", "two", "other"];
const localPolicy = { externalTrafficPolicy: "Local" } as const;
const ending = { ready: false, serving: true, terminating: true } as const;
const broken = { ready: false, serving: false, terminating: true } as const;

export const scenarios: readonly Scenario[] = [
  {
    name: "a cluster IP balances over all ready endpoints",
    protocols: ["TCP", "UDP"],
    endpoints: all,
    flows: [
      { from: "node", to: "cluster IP", expect: reaches("node", ...everyPod) },
      { from: "client", to: "cluster IP", expect: reaches("node", ...everyPod) },
      { from: "client", to: "wrong port of the cluster IP", expect: "refused" },
      { from: "one", to: "wrong port of the cluster IP", expect: "refused" },
      { from: "client", to: "unallocated cluster IP", expect: "dropped" },
      { from: "one", to: "unallocated cluster IP", expect: "dropped" },
    ],
  },
  {
    name: "a pod keeps its address through a cluster IP",
    protocols: ["TCP", "UDP"],
    endpoints: [{ pod: "two" }, { pod: "other" }],
    flows: [{ from: "one", to: "cluster IP", expect: reaches("itself", "two", "other") }],
  },
  {
    name: "a pod reaches itself through its Service",
    endpoints: [{ pod: "one" }],
    flows: [{ from: "one", to: "cluster IP", expect: reaches("node", "one") }],
  },
  {
    name: "masqueradeAll hides pods too",
    endpoints: [{ pod: "two" }],
    masqueradeAll: true,
    flows: [{ from: "one", to: "cluster IP", expect: reaches("node", "two") }],
  },
  {
    name: "endpoints that are not ready get nothing",
    endpoints: [{ pod: "one", ready: false }, { pod: "two" }],
    flows: [{ from: "client", to: "cluster IP", expect: reaches("node", "two") }],
  },
  {
    name: "endpoints that end and still serve are better than none",
    endpoints: [
      { pod: "one", ...ending },
      { pod: "two", ...broken },
    ],
    flows: [{ from: "client", to: "cluster IP", expect: reaches("node", "one") }],
  },
  {
    name: "endpoints that end get nothing while others are ready",
    endpoints: [{ pod: "one", ...ending }, { pod: "two" }],
    flows: [{ from: "client", to: "cluster IP", expect: reaches("node", "two") }],
  },
  {
    name: "no endpoint refuses",
    protocols: ["TCP", "UDP"],
    exposed: true,
    endpoints: [],
    flows: [
      { from: "one", to: "cluster IP", expect: "refused" },
      { from: "node", to: "cluster IP", expect: "refused" },
      { from: "client", to: "external IP", expect: "refused" },
      { from: "client", to: "load balancer", expect: "refused" },
      { from: "client", to: "node port", expect: "refused" },
    ],
  },
  {
    name: "hints keep traffic in the zone",
    endpoints: [
      { pod: "one", zones: ["a"] },
      { pod: "two", zones: ["b"] },
      { pod: "other", zones: ["c"] },
    ],
    flows: [{ from: "client", to: "cluster IP", expect: reaches("node", "one") }],
  },
  {
    name: "hints mean nothing where one endpoint has none",
    endpoints: [{ pod: "one", zones: ["a"] }, { pod: "two" }],
    flows: [{ from: "client", to: "cluster IP", expect: reaches("node", "one", "two") }],
  },
  {
    name: "internalTrafficPolicy Local stays on the node",
    spec: { internalTrafficPolicy: "Local" },
    endpoints: [{ pod: "two" }, { pod: "other" }],
    flows: [{ from: "one", to: "cluster IP", expect: reaches("itself", "two") }],
  },
  {
    name: "internalTrafficPolicy Local drops where only others have endpoints",
    spec: { internalTrafficPolicy: "Local" },
    endpoints: remote,
    flows: [
      { from: "one", to: "cluster IP", expect: "dropped" },
      { from: "node", to: "cluster IP", expect: "dropped" },
    ],
  },
  {
    name: "external addresses with policy Cluster reach everything, as the node",
    protocols: ["TCP", "UDP"],
    exposed: true,
    endpoints: all,
    flows: (["external IP", "load balancer", "node port"] as const).flatMap((to): Flow[] => [
      { from: "client", to, expect: reaches("node", ...everyPod) },
      { from: "node", to, expect: reaches("node", ...everyPod) },
      { from: "one", to, expect: reaches("node", ...everyPod) },
    ]),
  },
  {
    name: "external addresses with policy Local keep the client's address, and are short-circuited inside",
    protocols: ["TCP", "UDP"],
    exposed: true,
    spec: localPolicy,
    endpoints: [{ pod: "two" }, { pod: "other" }],
    flows: (["external IP", "load balancer", "node port"] as const).flatMap((to): Flow[] => [
      { from: "client", to, expect: reaches("itself", "two") },
      { from: "node", to, expect: reaches("node", "two", "other") },
      { from: "one", to, expect: reaches("itself", "two", "other") },
    ]),
  },
  {
    name: "policy Local without an endpoint here drops clients outside, and serves those inside",
    protocols: ["TCP", "UDP"],
    exposed: true,
    spec: localPolicy,
    endpoints: remote,
    flows: (["external IP", "load balancer", "node port"] as const).flatMap((to): Flow[] => [
      { from: "client", to, expect: "dropped" },
      { from: "node", to, expect: reaches("node", "other") },
      { from: "one", to, expect: reaches("itself", "other") },
    ]),
  },
  {
    name: "policy Local takes endpoints that end while no other is here",
    exposed: true,
    spec: localPolicy,
    endpoints: [{ pod: "one", ...ending }, { pod: "other" }],
    flows: [{ from: "client", to: "load balancer", expect: reaches("itself", "one") }],
  },
  {
    name: "source ranges guard the load balancer's address alone",
    exposed: true,
    spec: { loadBalancerSourceRanges: ["nobody"] },
    endpoints: [{ pod: "one" }],
    flows: [
      { from: "client", to: "load balancer", expect: "dropped" },
      { from: "two", to: "load balancer", expect: "dropped" },
      { from: "client", to: "external IP", expect: reaches("node", "one") },
      { from: "client", to: "node port", expect: reaches("node", "one") },
    ],
  },
  {
    name: "source ranges let those in whom they name",
    exposed: true,
    spec: { loadBalancerSourceRanges: ["nobody", "client"] },
    endpoints: [{ pod: "one" }],
    flows: [
      { from: "client", to: "load balancer", expect: reaches("node", "one") },
      { from: "two", to: "load balancer", expect: "dropped" },
    ],
  },
];
