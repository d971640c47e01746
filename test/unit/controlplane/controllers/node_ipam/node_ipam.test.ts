/** Nodes' ranges of pods' addresses: the parts of a range as upstream's tests of it have them, and the real API server. */
import { afterEach, describe, expect, it } from "vitest";
import { resourceTypes } from "../../../../../src/api/resource_types.ts";
import { NodeRanges } from "../../../../../src/controlplane/controllers/node_ipam/allocator.ts";
import { CidrSet } from "../../../../../src/controlplane/controllers/node_ipam/cidr_set.ts";
import { nodeIpamController } from "../../../../../src/controlplane/controllers/node_ipam/node_ipam.ts";
import type { Node } from "../../../../../src/model/kubernetes.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../../fixtures/control_plane.ts";
import { eventually } from "../../../../fixtures/eventually.ts";
import fc from "../../../../fixtures/property.ts";

const { nodes } = resourceTypes;

describe("CidrSet", () => {
  it.each([
    ["127.123.234.0/28", 30, ["127.123.234.0/30", "127.123.234.4/30", "127.123.234.8/30", "127.123.234.12/30"]],
    ["10.0.0.5/31", 32, ["10.0.0.4/32", "10.0.0.5/32"]],
    ["beef:1234::/30", 32, ["beef:1234::/32", "beef:1235::/32", "beef:1236::/32", "beef:1237::/32"]],
    ["fd00::/63", 64, ["fd00::/64", "fd00:0:0:1::/64"]],
  ])("%s is given in parts of /%i", (cidr, mask, expected) => {
    const set = new CidrSet(cidr, mask);
    expect(expected.map(() => set.allocate())).toEqual(expected);
    expect(set.allocate()).toBeUndefined();
    set.release(expected[1]!);
    expect(set.allocate()).toBe(expected[1]);
    expect(set.allocate()).toBeUndefined();
  });

  it("gives back last what was given last", () => {
    const set = new CidrSet("10.0.0.0/22", 24);
    expect(set.allocate()).toBe("10.0.0.0/24");
    set.release("10.0.0.0/24");
    expect(set.allocate()).toBe("10.0.1.0/24");
  });

  it.each([
    ["10.0.0.0/8", 4],
    ["10.0.1.0/24", 1],
    ["10.0.1.128/25", 1],
    ["10.0.2.0/23", 2],
    ["10.0.0.255/32", 1],
    ["10.0.4.0/24", 0],
    ["9.0.0.0/8", 0],
    ["fd00::/8", 0],
  ])("leaves alone what %s touches", (cidr, touched) => {
    const set = new CidrSet("10.0.0.0/22", 24);
    expect(set.occupy(cidr)).toBe(touched > 0);
    const left = Array.from({ length: 5 }, () => set.allocate()).filter((one) => one !== undefined);
    expect(left).toHaveLength(4 - touched);
  });

  it("wants parts that fit, and can be counted", () => {
    expect(() => new CidrSet("10.0.0.0/24", 16)).toThrow(RangeError);
    expect(() => new CidrSet("fd00::/32", 64)).toThrow("more than 2^16");
  });

  it("never gives a part twice", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(15)), { maxLength: 60 }), (moves) => {
        const set = new CidrSet("10.0.0.0/20", 24);
        const given: string[] = [];
        for (const move of moves) {
          if (move === null || given.length === 0) {
            const part = set.allocate();
            expect(part === undefined).toBe(given.length === 16);
            if (part === undefined) continue;
            expect(given).not.toContain(part);
            given.push(part);
          } else {
            const [released] = given.splice(move % given.length, 1);
            set.release(released!);
          }
        }
      }),
    );
  });
});

describe("NodeRanges", () => {
  const node = (name: string, ...podCIDRs: string[]): Node =>
    ({ metadata: { name }, spec: podCIDRs.length === 0 ? {} : { podCIDR: podCIDRs[0], podCIDRs } }) as unknown as Node;
  const options = { maskSizes: { ipv4: 24, ipv6: 64 }, serviceCidrs: [] };

  it("are of both families, or none is taken", () => {
    const ranges = new NodeRanges({ ...options, clusterCidrs: ["10.0.0.0/22", "fd00::/63"] });
    expect(ranges.allocate("a")).toEqual(["10.0.0.0/24", "fd00::/64"]);
    expect(ranges.allocate("a")).toEqual(["10.0.0.0/24", "fd00::/64"]);
    expect(ranges.allocate("b")).toEqual(["10.0.1.0/24", "fd00:0:0:1::/64"]);
    expect(ranges.allocate("c")).toBeUndefined();
    expect(ranges.release("a")).toBe(true);
    expect(ranges.release("a")).toBe(false);
    expect(ranges.allocate("c")).toEqual(["10.0.3.0/24", "fd00::/64"]);
  });

  it("leave Services' addresses alone, and what nodes have", () => {
    const ranges = new NodeRanges({ ...options, clusterCidrs: ["10.0.0.0/22"], serviceCidrs: ["10.0.0.0/24"] });
    ranges.occupy(node("old", "10.0.2.0/24"));
    expect([ranges.allocate("a"), ranges.allocate("b"), ranges.allocate("c")]).toEqual([
      ["10.0.1.0/24"],
      ["10.0.3.0/24"],
      undefined,
    ]);
    ranges.release("old");
    expect(ranges.allocate("c")).toEqual(["10.0.2.0/24"]);
  });

  it("let a user's own range stand, and give up the one that was planned", () => {
    const ranges = new NodeRanges({ ...options, clusterCidrs: ["10.0.0.0/23"] });
    expect(ranges.allocate("a")).toEqual(["10.0.0.0/24"]);
    ranges.occupy(node("a", "192.168.0.0/24"));
    expect([ranges.allocate("b"), ranges.allocate("c")]).toEqual([["10.0.1.0/24"], ["10.0.0.0/24"]]);
  });
});

describe("on the real API server", () => {
  let plane: TestControlPlane | undefined;
  afterEach(async () => plane?.stop());
  const rangesOf = async (name: string) => (await plane!.client.get(nodes, { name })).spec;

  it("each node has a range of its own; one that is gone leaves it to another", async () => {
    const clusterCidrs = ["10.10.0.0/23", "fd10::/60"];
    plane = await startTestControlPlane({ rows: [nodeIpamController], options: { clusterCidrs } });
    const { client, events } = plane;
    for (const name of ["a", "b"]) await client.create(nodes, { metadata: { name }, spec: {} });
    for (const name of ["a", "b"]) await eventually(`range of ${name}`, async () => (await rangesOf(name)).podCIDR);
    const both = [await rangesOf("a"), await rangesOf("b")].map(({ podCIDR, podCIDRs }) => [podCIDR, ...podCIDRs!]);
    expect(both.sort()).toEqual([
      ["10.10.0.0/24", "10.10.0.0/24", "fd10::/64"],
      ["10.10.1.0/24", "10.10.1.0/24", "fd10:0:0:1::/64"],
    ]);
    const freed = (await rangesOf("a")).podCIDR;
    await client.create(nodes, { metadata: { name: "late" }, spec: {} });
    const told = await eventually("the word of it", () => events.find(({ reason }) => reason === "CIDRNotAvailable"));
    expect(told).toMatchObject({ source: "cidrAllocator", message: "Node late status is now: CIDRNotAvailable" });
    await client.delete(nodes, { name: "a" });
    expect(await eventually("the late one's range", async () => (await rangesOf("late")).podCIDR)).toBe(freed);
  });

  it("without ranges to give none is given", async () => {
    plane = await startTestControlPlane({ rows: [nodeIpamController] });
    await plane.client.create(nodes, { metadata: { name: "a" }, spec: {} });
    expect((await rangesOf("a")).podCIDR).toBeUndefined();
    expect(plane.complaints).toEqual([]);
  });
});
