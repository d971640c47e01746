import { describe, expect, it } from "vitest";
import type { Link } from "../../../src/kernel/netlink/rtnetlink/link.ts";
import { planEntries, planVteps } from "../../../src/network/overlay/plan.ts";
import { keyOf, type Entry, type VtepLink } from "../../../src/network/overlay/state.ts";
import { WantedEntries } from "../../../src/network/overlay/wanted.ts";
import { parseMac } from "../../fixtures/overlay_nodes.ts";
import { ip } from "../../fixtures/overlay_nodes.ts";

const mac = parseMac("02:00:00:00:04:02");
const through = (device: string): Entry => ({
  kind: "route",
  family: "IPv6",
  destination: "fd00:10:244:2::/64",
  device,
  gateway: ip("fd00:10:244:2::"),
});
const fdb: Entry = { kind: "fdb", device: "fairlead.1", mac, address: ip("172.18.0.2") };
const neighbor: Entry = { kind: "neighbor", family: "IPv4", device: "fairlead.1", address: ip("10.244.2.0"), mac };
const route: Entry = { ...through("fairlead.1"), family: "IPv4", destination: "10.244.2.0/24" } as Entry;
const devices = new Map([
  ["eth0", 2],
  ["fairlead.1", 7],
  ["fairlead-v6.1", 8],
]);

function steps(before: readonly Entry[], after: readonly Entry[], known = devices): string[] {
  const [observed, wanted] = [before, after].map((all) => new Map(all.map((entry) => [keyOf(entry), entry])));
  const keys = new Set([...observed!.keys(), ...wanted!.keys()]);
  return planEntries(keys, observed!, wanted!, known).map(({ change: { verb, object } }) => `${verb} ${object}`);
}

describe("the plan of entries", () => {
  it("is empty where all is right", () => expect(steps([route, fdb, neighbor], [fdb, neighbor, route])).toEqual([]));

  it("makes a route last, and takes it away first", () => {
    const order = ["fdb", "neighbor", "route"];
    expect(steps([], [route, neighbor, fdb])).toEqual(order.map((object) => `replace ${object}`));
    expect(steps([fdb, neighbor, route], [])).toEqual(order.reverse().map((object) => `delete ${object}`));
  });

  it("replaces an IPv6 route that moves to another link by deleting it first", () => {
    expect(steps([through("eth0")], [through("fairlead-v6.1")])).toEqual(["delete route", "replace route"]);
    const ipv4 = (device: string) => ({ ...route, device }) as Entry;
    expect(steps([ipv4("eth0")], [ipv4("fairlead.1")])).toEqual(["replace route"]);
  });

  it("leaves out what stands on a link that is not there", () => {
    expect(steps([], [fdb], new Map())).toEqual([]);
    expect(steps([fdb], [], new Map())).toEqual([]);
  });

  it("looks at the keys that it is given and at no others", () => {
    expect(planEntries([], new Map(), new Map([[keyOf(fdb), fdb]]), devices)).toEqual([]);
  });
});

const vtep: VtepLink = {
  family: "IPv4",
  name: "fairlead.1",
  vni: 1,
  port: 8472,
  mac: parseMac("02:00:00:00:04:01"),
  mtu: 1450,
  below: 2,
  local: ip("172.18.0.1"),
};

function link(changes: Partial<Link> = {}, info: object = {}): Link {
  return {
    family: "unspec",
    hardwareType: "ether",
    index: 7,
    name: "fairlead.1",
    flags: ["up"],
    change: [],
    address: vtep.mac,
    mtu: 1450,
    info: { kind: "vxlan", id: 1, port: 8472, link: 2, local: vtep.local, learning: false, ...info },
    ...changes,
  };
}

describe("the plan of VTEPs", () => {
  const plan = (observed: readonly Link[], wanted: readonly VtepLink[] = [vtep]) =>
    planVteps(observed, wanted, (name) => name.startsWith("fairlead")).map(({ verb, value }) => {
      const { info: _info, index: _index, name: _name, ...rest } = value as Partial<Link>;
      return `${verb} ${verb === "change" ? JSON.stringify(rest) : ""}`.trim();
    });

  it("is empty where all is right", () => expect(plan([link()])).toEqual([]));
  it("makes what is missing", () => expect(plan([])).toEqual(["add"]));
  it("removes one that nobody wants", () => expect(plan([link()], [])).toEqual(["delete"]));

  it.each([{ id: 2 }, { port: 4789 }, { link: 3 }, { local: ip("172.18.0.9") }, { learning: true }, { kind: "veth" }])(
    "makes one anew whose tunnel is another: %j",
    (info) => expect(plan([link({}, info)])).toEqual(["delete", "add"]),
  );

  it("corrects in place what can be", () => {
    expect(plan([link({ mtu: 1400 })])).toEqual(['change {"mtu":1450}']);
    expect(plan([link({ address: "02:00:00:00:00:77" })])).toEqual([`change {"address":"${vtep.mac}"}`]);
    const addressFamilies = { inet6: { addressGeneration: "eui64" } } as const;
    expect(plan([link({ flags: [], addressFamilies })])).toEqual([
      'change {"addressFamilies":{"inet6":{"addressGeneration":"none"}}}',
      'change {"flags":["up"],"change":["up"]}',
    ]);
  });
});

describe("what is wanted", () => {
  it("goes to the first by name of those who claim the same, and to the next when that goes", () => {
    const changed: string[] = [];
    const wanted = new WantedEntries((key) => changed.push(key));
    const other = { ...fdb, address: ip("172.18.0.3") } as Entry;
    wanted.set("b", [fdb]);
    wanted.set("c", [other]);
    expect(wanted.get(keyOf(fdb))).toBe(fdb);
    wanted.set("a", [other]);
    expect(wanted.get(keyOf(fdb))).toBe(other);
    wanted.set("a", []);
    wanted.set("b", []);
    expect(wanted.get(keyOf(fdb))).toBe(other);
    wanted.set("c", []);
    expect(wanted.get(keyOf(fdb))).toBeUndefined();
    expect(changed).toHaveLength(5);
  });

  it("does not change with an owner who says the same again", () => {
    const changed: string[] = [];
    const wanted = new WantedEntries((key) => changed.push(key));
    wanted.set("a", [fdb, neighbor, route]);
    changed.length = 0;
    wanted.set("a", [{ ...fdb }, { ...neighbor }, { ...route }]);
    wanted.set("b", [fdb]);
    expect(changed).toEqual([]);
  });
});
