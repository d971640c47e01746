/** The ipvs mode when the node's addresses change, or the kernel lacks a scheduler: bit by bit, and of whom it concerns alone. */
import { describe, expect, it } from "vitest";
import type { IpAddress } from "../../../../src/model/address.ts";
import type { WantedPort } from "../../../../src/proxy/derive/derive.ts";
import { IpvsServers } from "../../../../src/proxy/apply/ipvs.ts";
import type { IpvsOptions } from "../../../../src/proxy/modes/ipvs/options.ts";
import { planAll, planChanges } from "../../../../src/proxy/modes/ipvs/plan.ts";
import { Ruleset } from "../../../../src/proxy/modes/ipvs/ruleset.ts";
import { FakeIpvsPorts, ipvsState } from "../../../fixtures/fake_ipvs_ports.ts";
import { seededRandom, type Random } from "../../../fixtures/fuzz/random.ts";
import { ipvsOptions } from "../../../fixtures/ipvs_options.ts";
import { endpoints, servicePort, wanted } from "../../../fixtures/proxied.ts";
import { seed } from "../../../fixtures/seed.ts";

const ip = (text: string): IpAddress => text as IpAddress;
const name = (i: number): string => `default/service-${i}/TCP`;
const options = ipvsOptions("IPv4");
const [first, second] = [ip("192.0.2.1"), ip("192.0.2.2")];

/** A ruleset of so many Services that the kernel has as they are. */
function programmed(count: number, portOf: (i: number) => WantedPort): Ruleset {
  const ruleset = new Ruleset(options);
  for (let i = 0; i < count; i++) ruleset.set(name(i), portOf(i));
  ruleset.takeChanges();
  return ruleset;
}

/** How often the work stops, and what comes of it. */
function pieces<T>(work: Generator<void, T>): { readonly count: number; readonly result: T } {
  for (let count = 0; ; count++) {
    const { done, value } = work.next();
    if (done) return { count, result: value };
  }
}

const nodePortOf = (i: number): WantedPort => wanted(servicePort(i, { nodePort: 30_000 + i }), endpoints(1));

describe("another address of the node", () => {
  it("renders Services with node ports, and those that have that address, and no others", () => {
    const ruleset = programmed(100, (i) => {
      if (i < 7) return nodePortOf(i);
      return wanted(servicePort(i, i < 10 ? { externalIps: [second] } : {}), endpoints(1));
    });
    ruleset.configure({ ...options, nodePortAddresses: [first, second], localAddresses: [first, second] });
    expect(pieces(ruleset.refresh()).count).toBe(10);
    expect(pieces(ruleset.refresh()).count).toBe(0);
  });

  it("is planned in as many pieces as there are Services that it concerns, at least", () => {
    const count = 300;
    const ruleset = programmed(count, nodePortOf);
    ruleset.configure({ ...options, nodePortAddresses: [first, second] });
    const { count: stops, result } = pieces(planChanges(ruleset));
    expect(stops).toBeGreaterThanOrEqual(2 * count);
    expect(result.filter(({ what }) => what === "servers")).toMatchObject([{ steps: { length: 2 * count } }]);
  });
});

it("another local detector, ranges of Services or masquerading render no Service", () => {
  const ruleset = programmed(20, nodePortOf);
  ruleset.configure({ ...options, local: { mode: "none" }, serviceCidrs: [], masqueradeMark: 1 << 9 });
  expect(pieces(ruleset.refresh()).count).toBe(0);
  ruleset.configure({ ...options, masqueradeAll: true, nodePortAddresses: [...options.nodePortAddresses].reverse() });
  expect(pieces(ruleset.refresh()).count).toBe(0);
});

it("a scheduler that is found to be lacking concerns those that name it", () => {
  const ruleset = programmed(20, (i) => ({ ...nodePortOf(i), ...(i < 3 ? { scheduler: "sed" as const } : {}) }));
  ruleset.configure({ ...options, lackingSchedulers: ["sed"] });
  expect(pieces(ruleset.refresh()).count).toBe(3);
});

it("what changes while all is planned goes with the next changes", () => {
  const ruleset = programmed(10, nodePortOf);
  const work = planAll(ruleset, { sets: [], tables: new Map(), servers: [], addresses: [] });
  for (let i = 0; i < 5; i++) work.next();
  ruleset.set(name(3), undefined);
  ruleset.set(name(10), nodePortOf(10));
  pieces(work);
  const verbs = pieces(planChanges(ruleset)).result.flatMap((stage) =>
    stage.what === "servers" ? stage.steps.map(({ verb }) => verb) : [],
  );
  expect(verbs).toEqual(expect.arrayContaining(["addService", "deleteService"]));
});

const addresses = [first, second, ip("192.0.2.3")];

function anyOptions(random: Random): IpvsOptions {
  const some = (): IpAddress[] => addresses.filter(() => random.oneIn(2));
  const lackingSchedulers = random.oneIn(3) ? ["sed"] : [];
  const masqueradeAll = random.oneIn(2);
  return { ...options, nodePortAddresses: some(), localAddresses: some(), lackingSchedulers, masqueradeAll };
}

function anyService(random: Random, i: number): WantedPort {
  const nodePort = random.oneIn(2) ? 30_000 + random.int(3) : 0;
  const externalIps = random.oneIn(3) ? [random.pick(addresses)] : [];
  const port = random.oneIn(3) ? 30_000 + random.int(3) : 80;
  const service = wanted(servicePort(i, { nodePort, externalIps, port }), endpoints(1 + random.int(2), i * 4));
  return random.oneIn(3) ? { ...service, scheduler: "sed" } : service;
}

it("whatever options and Services change, and when, what is programmed is what a fresh start would program", async () => {
  const random = seededRandom(seed);
  const ports = await FakeIpvsPorts.create();
  const ruleset = new Ruleset(options);
  const servers = new IpvsServers(ports, ruleset, { now: () => 0 });
  await servers.repair();
  const services = new Map<string, WantedPort | undefined>();
  let current = options;
  const change = (): void => {
    if (random.oneIn(3)) ruleset.configure((current = anyOptions(random)));
    const i = random.int(8);
    services.set(name(i), random.oneIn(4) ? undefined : anyService(random, i));
    ruleset.set(name(i), services.get(name(i)));
  };
  for (let step = 0; step < 150; step++) {
    for (let n = random.int(3); n >= 0; n--) change();
    // What comes while it is planned and written is another change, whichever way it is planned.
    const writing = random.oneIn(4) ? servers.repair() : servers.sync();
    for (let n = random.int(4); n > 0; n--) await Promise.resolve().then(random.oneIn(4) ? change : undefined);
    await writing;
    await servers.sync();
    const there = await FakeIpvsPorts.create();
    const fresh = new Ruleset(current);
    for (const [service, port] of services) fresh.set(service, port);
    await new IpvsServers(there, fresh, { now: () => 0 }).repair();
    expect(await formOf(ports), `seed ${seed}, step ${step}`).toEqual(await formOf(there));
  }
});

async function formOf(ports: FakeIpvsPorts): Promise<object> {
  const { servers, sets, addresses: bound, tables } = await ipvsState(ports);
  const sorted = (list: readonly unknown[]): string[] => list.map((one) => JSON.stringify(one)).sort();
  return {
    servers: sorted(
      servers.map(({ key, scheduler, destinations }) => [
        key,
        scheduler,
        sorted(destinations.map(({ address, port, weight }) => [address, port, weight])),
      ]),
    ),
    sets: sets.map(({ name: set, elements }) => [set, sorted(elements)]),
    addresses: [...bound].sort(),
    rules: [...tables].map(([table, chains]) => [table, sorted([...chains])]),
  };
}
