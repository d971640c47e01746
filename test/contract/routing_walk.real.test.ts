/**
 * The fake against the kernel: the same random changes, the same refusals, the same state afterwards.
 * fast-check prints the seed and the shortest list of changes that tells the two apart.
 */
import { getSystemErrorName } from "node:util";
import fc from "../fixtures/property.ts";
import { expect, it } from "vitest";
import type { IpAddress } from "../../src/model/address.ts";
import { FakeNetwork } from "../../src/kernel/fake/routing.ts";
import { native } from "../../src/kernel/native.ts";
import type { RoutingChange, RoutingPort } from "../../src/kernel/ports.ts";
import { openRouting } from "../../src/kernel/real/routing.ts";
import { withNamespace } from "../fixtures/namespace.ts";

const runs = Number(process.env["FAIRLEAD_PROPERTY_RUNS"] ?? 60);

const up = { flags: ["up"], change: ["up"] } as const;
const down = { flags: [], change: ["up"] } as const;
const ip = (text: string) => text as IpAddress;
const peerOf = (index: number) =>
  ({ family: "unspec", hardwareType: "unspec", flags: [], change: [], index, name: `v${index}` }) as const;

const ends = [10, 12];
const someEnd = fc.constantFrom(...ends, 11);
const anyLink = fc.constantFrom(10, 11, 12, 13, 20, 30, 99);
const maybe = <T>(...values: T[]) => fc.constantFrom(undefined, ...values);

/** A value without the fields that are undefined. */
function dense<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as never;
}

function changes(object: string, verbs: readonly string[], value: fc.Arbitrary<object>): fc.Arbitrary<RoutingChange> {
  return fc
    .tuple(fc.constantFrom(...verbs), value)
    .map(([verb, v]) => ({ verb, object, value: dense(v) }) as unknown as RoutingChange);
}

const newLink = fc.constantFrom(
  ...ends.map((index) => ({ index, name: `v${index}`, info: { kind: "veth", peer: peerOf(index + 1) } })),
  { index: 20, name: "bridge", info: { kind: "bridge" } },
  { index: 30, name: "vxlan", info: { kind: "vxlan", id: 7, port: 4789 } },
  { index: 31, name: "above", info: { kind: "vxlan", id: 8, port: 4789, link: 10 } },
  { name: "orphan", master: 99, info: { kind: "bridge" } },
);
const linkChange = fc.oneof(
  fc.record({ index: anyLink, state: fc.constantFrom(up, down) }).map(({ index, state }) => ({ index, ...state })),
  fc.record({ index: someEnd, master: fc.constantFrom(0, 20, 30, 99) }),
  fc.record({ index: anyLink, mtu: fc.constantFrom(1400, 1300) }),
);
const address = fc.record({
  index: fc.constantFrom(...ends, 99),
  local: fc.constantFrom("10.1.0.1", "10.1.0.2", "10.2.0.1").map(ip),
  prefixLength: fc.constantFrom(24, 24, 32),
});
const route = fc.record({
  family: fc.constant("ip"),
  destination: fc.constantFrom("10.5.0.0", "10.5.0.0", "10.5.0.1").map(ip),
  destinationPrefixLength: fc.constantFrom(16, 16, 32),
  gateway: maybe("10.1.0.9", "10.1.0.9", "10.2.0.9", "10.77.0.1"),
  outInterface: maybe(10, 12, 99),
  priority: maybe(5),
  table: maybe(100),
  preferredSource: maybe("10.1.0.1", "10.1.0.2"),
  kind: fc.constantFrom("unicast", "unicast", "unicast", "blackhole"),
});
const rule = fc.record({ priority: maybe(50, 60), mark: maybe(1, 2), table: fc.constantFrom(100, 101) });
const neighbor = fc.record({
  index: fc.constantFrom(...ends, 99),
  destination: fc.constantFrom("10.1.0.9", "10.1.0.8").map(ip),
  linkAddress: fc.constantFrom("02:00:00:00:00:01", "02:00:00:00:00:02"),
});
const remote = fc.record({
  index: fc.constantFrom(30, 99),
  linkAddress: fc.constantFrom("00:00:00:00:00:00", "02:00:00:00:00:01"),
  destination: fc.constantFrom("10.1.0.9", "10.1.0.8").map(ip),
});
const behindPort = fc.record({ index: someEnd, linkAddress: fc.constantFrom("02:00:00:00:00:01") });
const clsact = fc.record({ index: someEnd, parent: fc.constant("clsact"), kind: fc.constant("clsact") });

const anyChange = fc.oneof(
  { weight: 4, arbitrary: changes("link", ["add"], newLink) },
  { weight: 5, arbitrary: changes("link", ["change"], linkChange) },
  { weight: 1, arbitrary: changes("link", ["delete"], fc.record({ index: anyLink })) },
  { weight: 4, arbitrary: changes("address", ["add", "add", "replace", "delete"], address) },
  { weight: 5, arbitrary: changes("route", ["add", "replace", "change", "append", "delete"], route) },
  { weight: 1, arbitrary: changes("rule", ["add", "delete"], rule) },
  { weight: 2, arbitrary: changes("neighbor", ["add", "replace", "change", "delete"], neighbor) },
  { weight: 1, arbitrary: changes("fdb", ["add", "replace", "append", "delete"], remote) },
  { weight: 1, arbitrary: changes("fdb", ["add", "replace", "delete"], behindPort) },
  { weight: 1, arbitrary: changes("qdisc", ["add", "delete"], clsact) },
);

const address6 = fc.record({
  index: fc.constantFrom(...ends, 99),
  local: fc.constantFrom("fd01::1", "fd01::2", "fd02::1").map(ip),
  prefixLength: fc.constantFrom(64, 64, 128),
  flags: fc.constant(["noDad"]),
});
const route6 = fc.record({
  family: fc.constant("ip6"),
  destination: maybe("fd05::", "fd05::", "fd05::1"),
  destinationPrefixLength: fc.constantFrom(64, 64, 128),
  gateway: maybe("fd01::9", "fd01::9", "fd02::9", "fd77::1", "fe80::9"),
  outInterface: maybe(10, 12, 99),
  priority: maybe(5),
  table: maybe(100),
});
const neighbor6 = neighbor.map((value) => ({ ...value, destination: ip("fd01::9") }));

/** No link goes down or up: what IPv6 does then waits for the carrier, which comes when it comes. */
const anyChange6 = fc.oneof(
  { weight: 1, arbitrary: changes("link", ["delete"], fc.record({ index: anyLink })) },
  { weight: 4, arbitrary: changes("address", ["add", "add", "replace", "delete"], address6) },
  { weight: 5, arbitrary: changes("route", ["add", "replace", "change", "delete"], route6) },
  { weight: 2, arbitrary: changes("neighbor", ["add", "replace", "change", "delete"], neighbor6) },
);

/** A beginning in which most changes make sense. */
const ready = [
  ...ends.map((index) => ({
    ...({ verb: "add", object: "link" } as const),
    value: { index, name: `v${index}`, ...up, info: { kind: "veth", peer: peerOf(index + 1) } } as const,
  })),
  { verb: "add", object: "address", value: { index: 10, local: ip("10.1.0.1"), prefixLength: 24 } },
] satisfies RoutingChange[];

const ready6 = [
  ...ready,
  ...ends.map((index) => ({ verb: "change", object: "link", value: { index: index + 1, ...up } }) as const),
  { verb: "add", object: "address", value: { index: 10, local: ip("fd01::1"), prefixLength: 64, flags: ["noDad"] } },
] satisfies RoutingChange[];

async function stateOf(port: RoutingPort) {
  const links = (await port.links()).map((l) => [
    l.index,
    l.name,
    l.master,
    l.flags.includes("up"),
    l.mtu,
    l.info?.kind,
  ]);
  const addresses = (await port.addresses()).map((a) => [
    a.index,
    a.address,
    a.prefixLength,
    a.flags?.includes("secondary"),
  ]);
  const routes = (await port.routes()).map((r) => [
    ...[r.table, r.destination, r.destinationPrefixLength, r.gateway, r.outInterface, r.priority, r.kind],
    ...[r.protocol, r.scope, r.preferredSource],
  ]);
  const rules = (await port.rules({ family: "ip" })).map((r) => [r.priority, r.mark, r.table]);
  const neighbors = (await port.neighbors())
    .filter((n) => n.state === "permanent")
    .map((n) => [n.index, n.destination, n.linkAddress]);
  const fdb = (await port.fdb())
    .filter((n) => n.linkAddress?.startsWith("02:00:") || n.destination !== undefined)
    .map((n) => [n.index, n.linkAddress, n.destination, n.master]);
  const qdiscs = (await port.qdiscs()).filter((q) => q.kind === "clsact").map((q) => q.index);
  return {
    links: sorted(links),
    addresses: sorted(addresses),
    routes: sorted(routes),
    rules,
    neighbors: sorted(neighbors),
    fdb: sorted(fdb),
    qdiscs: sorted(qdiscs),
  };
}

const sorted = (rows: unknown[]) => rows.map((row) => JSON.stringify(row)).sort();

it.each([
  ["links and IPv4", anyChange, ready],
  ["IPv6", anyChange6, ready6],
] as const)("refuses and does what the kernel refuses and does: %s", { timeout: 120_000 }, async (_, change, start) => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 25 }), (walk) => bothAgree([...start, ...walk])),
    { numRuns: runs },
  );
});

async function bothAgree(walk: readonly RoutingChange[]): Promise<void> {
  await withNamespace(
    async (namespace) => {
      // No IPv6 link-local addresses: the fake makes none.
      await native().writeFileInNamespace(namespace, "/proc/sys/net/ipv6/conf/default/addr_gen_mode", Buffer.from("1"));
      const real = await openRouting({ namespace });
      try {
        await walkBoth(real, new FakeNetwork().createNamespace().openRouting(), walk);
      } finally {
        real.close();
      }
    },
    { loopback: false },
  );
}

async function walkBoth(real: RoutingPort, fake: RoutingPort, walk: readonly RoutingChange[]): Promise<void> {
  for (const change of walk) {
    const [refused] = await fake.apply([change]);
    if (refused?.reason.includes("does not model")) continue;
    const [error] = await real.apply([change]);
    const name = (of: typeof error) => (of ? getSystemErrorName(-of.errno!) : "ok");
    expect({ change, outcome: name(refused ?? null) }).toEqual({ change, outcome: name(error ?? null) });
  }
  expect(await stateOf(fake)).toEqual(await stateOf(real));
}
