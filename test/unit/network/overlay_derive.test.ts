import { describe, expect, it } from "vitest";
import type { Node } from "../../../src/model/kubernetes.ts";
import { parseCidr } from "../../../src/model/cidr.ts";
import { decodeNode } from "../../../src/network/overlay/decode.ts";
import {
  deriveAnnotations,
  deriveObstacle,
  deriveOwn,
  derivePeer,
  derivePodMtu,
  deriveVteps,
  vtepMac,
  type Self,
} from "../../../src/network/overlay/derive.ts";
import type { OverlayMode } from "../../../src/network/overlay/state.ts";
import { flannel, ip, overlayNode, overlayOptions, tunnelNode, type NodeFields } from "../../fixtures/overlay_nodes.ts";

const underlays = {
  IPv4: {
    index: 2,
    device: "eth0",
    mtu: 1500,
    address: ip("172.18.0.1"),
    onLink: [parseCidr("172.18.0.0/24")!],
  },
  IPv6: {
    index: 2,
    device: "eth0",
    mtu: 1500,
    address: ip("fd00:172:18::1"),
    onLink: [parseCidr("fd00:172:18::/64")!],
  },
};

function self(mode: OverlayMode = "vxlan", changes: Partial<Self> = {}): Self {
  return { options: overlayOptions(mode), node: decodeNode(overlayNode(1)), underlays, ...changes };
}

const peer = (node: Node, mode: OverlayMode = "vxlan") => derivePeer(self(mode), decodeNode(node));

describe("what leads to another node's pods", () => {
  it("is flannel's layout: a forwarding entry, a neighbour, and an onlink route to the first address", () => {
    expect(peer(tunnelNode(2))).toEqual({
      problems: [],
      entries: [
        { kind: "fdb", device: "fairlead.1", mac: "02:00:00:00:04:02", address: "172.18.0.2" },
        {
          kind: "neighbor",
          family: "IPv4",
          device: "fairlead.1",
          address: "10.244.2.0",
          mac: "02:00:00:00:04:02",
        },
        {
          kind: "route",
          family: "IPv4",
          destination: "10.244.2.0/24",
          device: "fairlead.1",
          gateway: "10.244.2.0",
          onlink: true,
        },
        { kind: "fdb", device: "fairlead-v6.1", mac: "02:00:00:00:06:02", address: "fd00:172:18::2" },
        {
          kind: "neighbor",
          family: "IPv6",
          device: "fairlead-v6.1",
          address: "fd00:10:244:2::",
          mac: "02:00:00:00:06:02",
        },
        {
          kind: "route",
          family: "IPv6",
          destination: "fd00:10:244:2::/64",
          device: "fairlead-v6.1",
          gateway: "fd00:10:244:2::",
          onlink: true,
        },
      ],
    });
  });

  it("is a route through the node itself with host-gw, and with auto where it is near", () => {
    const near = [
      { kind: "route", family: "IPv4", destination: "10.244.2.0/24", device: "eth0", gateway: "172.18.0.2" },
      { kind: "route", family: "IPv6", destination: "fd00:10:244:2::/64", device: "eth0", gateway: "fd00:172:18::2" },
    ];
    expect(peer(overlayNode(2), "host-gw").entries).toEqual(near);
    expect(peer(tunnelNode(2), "auto").entries).toEqual(near);
    const far = peer(tunnelNode(2, { ips: ["192.0.2.2", "fd00:172:18::2"] }), "auto").entries;
    expect(far.map(({ kind, device }) => `${kind} ${device}`)).toEqual([
      "fdb fairlead.1",
      "neighbor fairlead.1",
      "route fairlead.1",
      "route eth0",
    ]);
  });

  it("takes the address that flannel publishes before the node's own", () => {
    const annotations = { [`${flannel}/public-ip`]: "203.0.113.9" };
    expect(peer(tunnelNode(2, { annotations })).entries[0]).toMatchObject({ kind: "fdb", address: "203.0.113.9" });
  });

  const problems: readonly [string, OverlayMode, Node, string][] = [
    ["no VTEP yet", "vxlan", overlayNode(2), "it has not said its VTEP's address yet"],
    [
      "another VNI",
      "vxlan",
      withNote("backend-data", '{"VNI":9,"VtepMAC":"02:00:00:00:04:02"}'),
      "its VNI is 9, not 1",
    ],
    ["another backend", "vxlan", withNote("backend-type", "wireguard"), "its backend is wireguard, not vxlan"],
    ["not near", "host-gw", fields({ ips: ["192.0.2.2"] }), "its address 192.0.2.2 is not on link eth0"],
    ["our range", "vxlan", fields({ podCidrs: ["10.244.0.0/16"] }), "overlaps this node's, 10.244.1.0/24"],
    ["the default route", "host-gw", fields({ podCidrs: ["172.0.0.0/6"] }), "holds this node's address"],
    ["its own address", "host-gw", fields({ podCidrs: ["172.18.0.2/31"] }), "holds its own address, 172.18.0.2"],
    ["our address", "host-gw", fields({ ips: ["172.18.0.1"] }), "it has this node's address, 172.18.0.1"],
  ];

  it.each(problems)("is nothing with %s", (_, mode, node, problem) => {
    const found = peer(node, mode);
    expect(found.entries.filter((entry) => "family" in entry && entry.family === "IPv4")).toEqual([]);
    expect(found.problems.find((text) => text.startsWith("IPv4: "))).toContain(problem);
  });

  it.each(["", "{", "null", "[]", '{"VNI":1}', '{"VNI":-1,"VtepMAC":"02:00:00:00:04:02"}', '{"VNI":"1","VtepMAC":7}'])(
    "believes no backend-data %j",
    (data) => expect(decodeNode(withNote("backend-data", data)).vteps.IPv4).toBeUndefined(),
  );

  it.each(["01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "02:00:00:00:04", "x"])(
    "takes %s for no VTEP's address",
    (mac) => expect(decodeNode(withNote("backend-data", `{"VNI":1,"VtepMAC":"${mac}"}`)).vteps.IPv4).toBeUndefined(),
  );
});

function withNote(note: string, value: string): Node {
  return tunnelNode(2, { annotations: { [`${flannel}/${note}`]: value } });
}

function fields(changes: NodeFields): Node {
  return tunnelNode(
    2,
    changes.ips ? { ...changes, annotations: { [`${flannel}/public-ip`]: changes.ips[0]! } } : changes,
  );
}

describe("this node's own part", () => {
  it("is a VTEP for each family, less the tunnel's headers than the link below", () => {
    expect(deriveVteps(self())).toMatchObject([
      { family: "IPv4", name: "fairlead.1", vni: 1, port: 8472, mtu: 1450, below: 2, local: "172.18.0.1" },
      { family: "IPv6", name: "fairlead-v6.1", vni: 1, port: 8472, mtu: 1430, below: 2, local: "fd00:172:18::1" },
    ]);
    expect(deriveVteps(self("host-gw"))).toEqual([]);
  });

  it("gives pods an MTU that fits every way", () => {
    expect(derivePodMtu(self())).toBe(1430);
    expect(derivePodMtu(self("vxlan", { underlays: { IPv4: underlays.IPv4 } }))).toBe(1450);
    expect(derivePodMtu(self("auto"))).toBe(1430);
    expect(derivePodMtu(self("host-gw"))).toBe(1500);
    expect(derivePodMtu(self("vxlan", { underlays: {} }))).toBeUndefined();
  });

  it("has the first address of its ranges, and an end for what no pod has", () => {
    expect(deriveOwn(self())).toEqual([
      { kind: "address", family: "IPv4", device: "fairlead.1", address: "10.244.1.0", prefix: 32 },
      { kind: "route", family: "IPv4", destination: "10.244.1.0/24" },
      { kind: "address", family: "IPv6", device: "fairlead-v6.1", address: "fd00:10:244:1::", prefix: 128 },
      { kind: "route", family: "IPv6", destination: "fd00:10:244:1::/64" },
    ]);
  });

  it("has a MAC address that is the same for the same node, another for another, and nobody's product", () => {
    expect(vtepMac("node-1", "IPv4", 1)).toBe(vtepMac("node-1", "IPv4", 1));
    const others = [vtepMac("node-2", "IPv4", 1), vtepMac("node-1", "IPv6", 1), vtepMac("node-1", "IPv4", 2)];
    expect(new Set([vtepMac("node-1", "IPv4", 1), ...others]).size).toBe(4);
    for (const mac of others) expect(Number.parseInt(mac.slice(0, 2), 16) & 3).toBe(2);
  });

  it("is told to others as flannel does", () => {
    expect(deriveAnnotations(self())).toEqual({
      [`${flannel}/backend-type`]: "vxlan",
      [`${flannel}/kube-subnet-manager`]: "true",
      [`${flannel}/backend-data`]: `{"VNI":1,"VtepMAC":"${vtepMac("node-1", "IPv4", 1)}"}`,
      [`${flannel}/public-ip`]: "172.18.0.1",
      [`${flannel}/backend-v6-data`]: `{"VNI":1,"VtepMAC":"${vtepMac("node-1", "IPv6", 1)}"}`,
      [`${flannel}/public-ipv6`]: "fd00:172:18::1",
    });
    expect(deriveAnnotations(self("host-gw", { underlays: { IPv4: underlays.IPv4 } }))).toEqual({
      [`${flannel}/backend-type`]: "host-gw",
      [`${flannel}/kube-subnet-manager`]: "true",
      [`${flannel}/backend-data`]: "null",
      [`${flannel}/public-ip`]: "172.18.0.1",
      [`${flannel}/backend-v6-data`]: null,
      [`${flannel}/public-ipv6`]: null,
    });
  });

  it("publishes the address that the Node object overwrites its own with", () => {
    const node = decodeNode(overlayNode(1, { annotations: { [`${flannel}/public-ip-overwrite`]: "203.0.113.1" } }));
    expect(deriveAnnotations(self("vxlan", { node }))[`${flannel}/public-ip`]).toBe("203.0.113.1");
  });

  it("says what it waits for", () => {
    expect(deriveObstacle(self())).toBeUndefined();
    const without = decodeNode(overlayNode(1, { podCidrs: [] }));
    expect(deriveObstacle(self("vxlan", { node: without }))).toContain("node node-1 has no podCIDR yet");
    expect(deriveObstacle(self("vxlan", { underlays: { IPv4: underlays.IPv4 } }))).toContain(
      "no link has fd00:172:18::1",
    );
    const small = { ...underlays, IPv6: { ...underlays.IPv6, mtu: 1300 } };
    expect(deriveObstacle(self("vxlan", { underlays: small }))).toBe("pods' MTU would be 1230, and IPv6 needs 1280");
  });
});
