/** What the node and the configuration make of each family's options. */
import { describe, expect, it } from "vitest";
import { kubeProxyConfiguration, type KubeProxyConfiguration } from "../../../../src/config/kube_proxy.ts";
import type { IpAddress } from "../../../../src/model/address.ts";
import type { Node } from "../../../../src/model/kubernetes.ts";
import { hostIps, localDetector, nodeIps, nodePortAddresses } from "../../../../src/proxy/agent/derive.ts";

const local = ["127.0.0.1", "192.0.2.1", "198.51.100.1", "::1", "2001:db8::1", "fe80::1"] as IpAddress[];
const dual = nodeOf(["InternalIP", "192.0.2.1"], ["InternalIP", "2001:db8::1"], ["Hostname", "n1"]);

function nodeOf(...addresses: readonly (readonly [string, string])[]): Node {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "n1", uid: "", resourceVersion: "1", creationTimestamp: "" },
    spec: { podCIDRs: ["10.244.1.0/24", "fd00:10:244:1::/64"] },
    status: { addresses: addresses.map(([type, address]) => ({ type, address })) },
  };
}

function config(fields: object = {}): KubeProxyConfiguration {
  return kubeProxyConfiguration.parse({
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    ...fields,
  });
}

describe("the node's addresses", () => {
  it("are one of each family, internal ones first", () => {
    const node = nodeOf(["ExternalIP", "203.0.113.1"], ["InternalIP", "2001:db8::1"], ["InternalIP", "192.0.2.1"]);
    expect(hostIps(node)).toEqual(["2001:db8::1", "192.0.2.1"]);
    expect(hostIps(nodeOf(["ExternalIP", "203.0.113.1"]))).toEqual(["203.0.113.1"]);
    expect(hostIps(undefined)).toEqual([]);
  });

  it("give way to bindAddress", () => {
    expect(nodeIps(dual, "0.0.0.0")).toEqual({ IPv4: "192.0.2.1", IPv6: "2001:db8::1" });
    expect(nodeIps(dual, "192.0.2.9")).toEqual({ IPv4: "192.0.2.9", IPv6: "2001:db8::1" });
  });
});

describe("addresses that serve node ports", () => {
  const served = (configured: readonly string[], family: "IPv4" | "IPv6", node: Node | undefined = dual) =>
    nodePortAddresses(configured, nodeIps(node, "0.0.0.0"), local, family);

  for (const [configured, ipv4, ipv6] of [
    [["primary"], ["192.0.2.1"], ["2001:db8::1"]],
    [["192.0.2.0/24", "2001:db8::/32"], ["192.0.2.1"], ["2001:db8::1"]],
    // What names no range of a family means all of that family.
    [["198.51.100.0/24"], ["198.51.100.1"], ["2001:db8::1", "fe80::1"]],
    [["0.0.0.0/0"], ["192.0.2.1", "198.51.100.1"], ["2001:db8::1", "fe80::1"]],
    [["all"], ["192.0.2.1", "198.51.100.1"], ["2001:db8::1", "fe80::1"]],
    // Loopback serves none unless it is said in so many words.
    [["127.0.0.0/8"], [], ["2001:db8::1", "fe80::1"]],
    [["localhost"], ["127.0.0.1"], ["::1"]],
    [
      ["primary", "localhost"],
      ["127.0.0.1", "192.0.2.1"],
      ["2001:db8::1", "::1"],
    ],
  ] as const) {
    it(`are those of ${configured.join()}`, () => {
      expect(served(configured, "IPv4")).toEqual(ipv4);
      expect(served(configured, "IPv6")).toEqual(ipv6);
    });
  }

  it("are all of a family in which the node has no address", () => {
    expect(served(["primary"], "IPv6", nodeOf(["InternalIP", "192.0.2.1"]))).toEqual(["2001:db8::1", "fe80::1"]);
  });
});

describe("pods of this node are told", () => {
  for (const [name, fields, ipv4, ipv6] of [
    ["by nothing", {}, { mode: "none" }, { mode: "none" }],
    [
      "by the cluster's range",
      { clusterCIDR: "10.244.0.0/16" },
      { mode: "cidr", cidr: "10.244.0.0/16" },
      { mode: "none" },
    ],
    [
      "by the node's ranges",
      { detectLocalMode: "NodeCIDR" },
      { mode: "cidr", cidr: "10.244.1.0/24" },
      { mode: "cidr", cidr: "fd00:10:244:1::/64" },
    ],
    [
      "by a bridge",
      { detectLocalMode: "BridgeInterface", detectLocal: { bridgeInterface: "br0" } },
      { mode: "BridgeInterface", name: "br0" },
      { mode: "BridgeInterface", name: "br0" },
    ],
    [
      "by a prefix",
      { detectLocalMode: "InterfaceNamePrefix", detectLocal: { interfaceNamePrefix: "veth" } },
      { mode: "InterfaceNamePrefix", prefix: "veth" },
      { mode: "InterfaceNamePrefix", prefix: "veth" },
    ],
  ] as const) {
    it(name, () => {
      expect(localDetector(config(fields), dual, "IPv4")).toEqual(ipv4);
      expect(localDetector(config(fields), dual, "IPv6")).toEqual(ipv6);
    });
  }
});
