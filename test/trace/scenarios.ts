/** The flow table: who reaches what through a Service. The same rows for every proxy mode, traced and with real packets. */
import { nodeName, type EndpointState, type Expected, type Flow, type Pod, type Scenario } from "./flows.ts";

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
  {
    name: "hints for this node come before hints for the zone",
    endpoints: [
      { pod: "one", zones: ["a"], nodes: [nodeName] },
      { pod: "two", zones: ["a"], nodes: ["other"] },
      { pod: "other", zones: ["a"], nodes: ["other"] },
    ],
    flows: [{ from: "client", to: "cluster IP", expect: reaches("node", "one") }],
  },
  {
    name: "hints for other nodes fall back to the zone",
    endpoints: [
      { pod: "one", zones: ["b"], nodes: ["other"] },
      { pod: "two", zones: ["a"], nodes: ["other"] },
    ],
    flows: [{ from: "client", to: "cluster IP", expect: reaches("node", "two") }],
  },
  {
    name: "hints for other zones mean nothing",
    endpoints: [
      { pod: "one", zones: ["b"] },
      { pod: "two", zones: ["c"] },
    ],
    flows: [{ from: "client", to: "cluster IP", expect: reaches("node", "one", "two") }],
  },
  {
    name: "hints of endpoints that are not ready do not count",
    endpoints: [
      { pod: "one", zones: ["a"] },
      { pod: "two", ready: false },
    ],
    flows: [{ from: "client", to: "cluster IP", expect: reaches("node", "one") }],
  },
  {
    name: "internalTrafficPolicy Local takes endpoints that end while no other is here",
    spec: { internalTrafficPolicy: "Local" },
    endpoints: [{ pod: "two", ...ending }, { pod: "other" }],
    flows: [{ from: "one", to: "cluster IP", expect: reaches("itself", "two") }],
  },
  {
    name: "internalTrafficPolicy Local leaves external addresses to the cluster",
    exposed: true,
    spec: { internalTrafficPolicy: "Local" },
    endpoints: remote,
    flows: [
      { from: "one", to: "cluster IP", expect: "dropped" },
      { from: "client", to: "load balancer", expect: reaches("node", "other") },
      { from: "client", to: "node port", expect: reaches("node", "other") },
    ],
  },
  {
    name: "without a way to tell pods nobody is masqueraded but for hairpins",
    detectLocal: "none",
    endpoints: [{ pod: "one" }, { pod: "two" }],
    flows: [{ from: "client", to: "cluster IP", expect: reaches("itself", "one", "two") }],
  },
  {
    name: "without a way to tell pods policy Local takes them for outside",
    detectLocal: "none",
    exposed: true,
    spec: localPolicy,
    endpoints: [{ pod: "two" }, { pod: "other" }],
    flows: [
      { from: "one", to: "load balancer", expect: reaches("itself", "two") },
      { from: "node", to: "load balancer", expect: reaches("node", "two", "other") },
      { from: "client", to: "node port", expect: reaches("itself", "two") },
    ],
  },
  ...(["NodeCIDR", "InterfaceNamePrefix"] as const).map((detectLocal) => ({
    name: `pods are told by ${detectLocal}`,
    detectLocal,
    exposed: true,
    spec: localPolicy,
    endpoints: [{ pod: "two" }, { pod: "other" }] as const,
    flows: [
      { from: "one", to: "cluster IP", expect: reaches("itself", "two", "other") },
      { from: "client", to: "cluster IP", expect: reaches("node", "two", "other") },
      { from: "one", to: "load balancer", expect: reaches("itself", "two", "other") },
      { from: "client", to: "load balancer", expect: reaches("itself", "two") },
      { from: "one", to: "node port", expect: reaches("itself", "two", "other") },
    ] as const,
  })),
  {
    name: "pods are those behind one link, by BridgeInterface",
    detectLocal: "BridgeInterface",
    exposed: true,
    spec: localPolicy,
    endpoints: remote,
    flows: [
      { from: "one", to: "cluster IP", expect: reaches("itself", "other") },
      { from: "two", to: "cluster IP", expect: reaches("node", "other") },
      { from: "one", to: "load balancer", expect: reaches("itself", "other") },
      { from: "two", to: "load balancer", expect: "dropped" },
    ],
  },
  {
    name: "a load balancer of mode Proxy gets its packets itself",
    exposed: true,
    ipMode: "Proxy",
    endpoints: [{ pod: "one" }],
    flows: [
      { from: "client", to: "load balancer", expect: "left alone" },
      { from: "one", to: "load balancer", expect: "left alone" },
      { from: "client", to: "node port", expect: reaches("node", "one") },
    ],
  },
  {
    name: "node ports are at the addresses that serve them alone",
    protocols: ["TCP", "UDP"],
    exposed: true,
    endpoints: [{ pod: "one" }],
    flows: [
      { from: "client", to: "node port at another address of the node", expect: "left alone" },
      { from: "client", to: "node port", expect: reaches("node", "one") },
    ],
  },
  {
    name: "a pod reaches itself by every address",
    exposed: true,
    endpoints: [{ pod: "one" }],
    flows: (["external IP", "load balancer", "node port"] as const).map((to) => ({
      from: "one",
      to,
      expect: reaches("node", "one"),
    })),
  },
  {
    name: "source ranges guard before policy Local",
    exposed: true,
    spec: { loadBalancerSourceRanges: ["client"], ...localPolicy },
    endpoints: [{ pod: "two" }, { pod: "other" }],
    flows: [
      { from: "client", to: "load balancer", expect: reaches("itself", "two") },
      { from: "one", to: "load balancer", expect: "dropped" },
      { from: "one", to: "external IP", expect: reaches("itself", "two", "other") },
    ],
  },
  {
    name: "no endpoint refuses whatever source ranges and policies say",
    exposed: true,
    spec: { loadBalancerSourceRanges: ["client"], ...localPolicy },
    endpoints: [],
    flows: [
      { from: "client", to: "load balancer", expect: "refused" },
      { from: "one", to: "load balancer", expect: "dropped" },
      { from: "client", to: "node port", expect: "refused" },
    ],
  },
  {
    name: "affinity sends a new client to any",
    protocols: ["TCP", "UDP"],
    exposed: true,
    spec: { sessionAffinity: "ClientIP" },
    endpoints: [{ pod: "one" }],
    flows: (["cluster IP", "external IP", "load balancer", "node port"] as const).map((to) => ({
      from: "client",
      to,
      expect: reaches("node", "one"),
    })),
  },
];
