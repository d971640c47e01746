/** Which flows are forgotten when Services change, on the fake; and what happens when conntrack refuses. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FairleadError } from "../../../../src/errors/catalogue.ts";
import { FakeConntrack } from "../../../../src/kernel/fake/conntrack.ts";
import type { ConntrackEntry } from "../../../../src/kernel/netlink/ctnetlink/entry.ts";
import type { ConntrackFilter } from "../../../../src/kernel/netlink/ctnetlink/filter.ts";
import type { ConntrackPort } from "../../../../src/kernel/ports.ts";
import type { IpAddress } from "../../../../src/model/address.ts";
import type { Endpoint, ServicePort } from "../../../../src/model/service.ts";
import { ConntrackCleaner } from "../../../../src/proxy/conntrack/cleaner.ts";
import { planLists } from "../../../../src/proxy/conntrack/plan.ts";
import type { WantedPort } from "../../../../src/proxy/derive/derive.ts";
import { FakeClock } from "../../../fixtures/fake_clock.ts";
import { serviceFlow, type ServiceFlow } from "../../../fixtures/flows_of_services.ts";
import { endpoint, servicePort, wanted } from "../../../fixtures/proxied.ts";

const node = "192.0.2.1" as IpAddress;
const one = endpoint("10.244.1.11", true, 53);
const two = endpoint("10.245.0.2", false, 53);
const via = { one: "10.244.1.11:53", two: "10.245.0.2:53" };

let fake: FakeConntrack;
let clock: FakeClock;
let lists: ConntrackFilter[];
/** What the next calls of the port throw. */
let faults: (Error | undefined)[];
let errors: unknown[];
let cleaned: string[];
let cleaner: ConntrackCleaner;

beforeEach(() => {
  fake = new FakeConntrack();
  clock = new FakeClock();
  [lists, faults, errors, cleaned] = [[], [], [], []];
  const throwing = <T>(call: () => Promise<T>): Promise<T> => {
    const fault = faults.shift();
    return fault === undefined ? call() : Promise.reject(fault);
  };
  const port: Pick<ConntrackPort, "list" | "delete"> = {
    list: (filters) => throwing(() => (lists.push(...(filters ?? [])), fake.list(filters))),
    delete: (entries) => throwing(() => fake.delete(entries)),
  };
  cleaner = new ConntrackCleaner(port as ConntrackPort, {
    clock,
    onCleaned: (family, _seconds, deleted) => cleaned.push(`${family} ${deleted}`),
    onError: (error) => errors.push(error),
  });
  cleaner.setNodePortAddresses([node]);
});
afterEach(() => cleaner.close());

function dns(changes: Partial<ServicePort> = {}): ServicePort {
  return servicePort(10, { protocol: "UDP", port: 53, ...changes });
}

/** Programs service ports, and waits until their flows are clean. */
async function program(name: string, now: WantedPort | undefined): Promise<void> {
  cleaner.programmed("IPv4", [[name, now]]);
  await clean();
}

async function clean(): Promise<void> {
  // What came while the last attempt paused begins behind its pause.
  clock.advance(60_000);
  await cleaner.settled();
}

function insert(...flows: readonly ServiceFlow[]): readonly ConntrackEntry[] {
  return flows.map((flow, n) => fake.insert(serviceFlow(n, flow)));
}

async function left(): Promise<readonly string[]> {
  const entries = await fake.list();
  return entries.map(({ original, reply }) => `${original.destination}:${original.destinationPort} ${reply.source}`);
}

describe("flows", () => {
  const serve = (...endpoints: Endpoint[]) => wanted(dns(), endpoints);

  it("to an endpoint that is gone are forgotten, and no others", async () => {
    await program("ns/dns", serve(one, two));
    insert(
      { to: "10.96.0.10", port: 53, via: via.one },
      { to: "10.96.0.10", port: 53, via: via.two },
      // Another Service's flow to the same endpoint, one past Services, and what others track.
      { to: "10.96.0.11", port: 53, via: via.one },
      { to: "10.244.1.11", port: 53 },
      { to: "10.96.0.10", port: 54, via: via.one },
      { to: "10.96.0.10", port: 53, via: via.one, protocol: "tcp" },
      { to: "10.96.0.10", port: 53, via: via.one, zone: 5 },
    );
    await program("ns/dns", serve(two));
    expect(await left()).toEqual([
      "10.96.0.10:53 10.245.0.2",
      "10.96.0.11:53 10.244.1.11",
      "10.244.1.11:53 10.244.1.11",
      "10.96.0.10:54 10.244.1.11",
      "10.96.0.10:53 10.244.1.11",
      "10.96.0.10:53 10.244.1.11",
    ]);
    expect(cleaned.at(-1)).toBe("IPv4 1");
  });

  it("of clients that may not come any more are forgotten: rules see a flow's first packet alone", async () => {
    const open = dns({ loadBalancerIps: ["198.51.100.1" as IpAddress] });
    await program("ns/dns", wanted(open, [one]));
    const clients = insert(
      { to: "198.51.100.1", port: 53, via: via.one },
      { to: "198.51.100.1", port: 53, via: via.one },
      { to: "10.96.0.10", port: 53, via: via.one },
    ).map(({ original }) => original.source);
    const narrowed = { ...open, sourceRanges: ["203.0.113.0/24", `${clients[1]}/32`] };
    await program("ns/dns", wanted(narrowed, [one]));
    // What the rest of the cluster IP's clients do is not restricted.
    expect((await fake.list()).map(({ original }) => original.source)).toEqual([clients[1], clients[2]]);
  });

  it("to another port of an endpoint that stays are told apart", async () => {
    await program("ns/dns", serve(one));
    insert({ to: "10.96.0.10", port: 53, via: "10.244.1.11:5353" }, { to: "10.96.0.10", port: 53, via: via.one });
    await program("ns/dns", serve(one, two));
    expect(await left()).toHaveLength(2);
    await program("ns/dns", serve(one));
    expect(await left()).toEqual(["10.96.0.10:53 10.244.1.11"]);
  });

  it("to the last endpoint are forgotten too", async () => {
    await program("ns/dns", serve(one));
    insert({ to: "10.96.0.10", port: 53, via: via.one }, { to: "10.96.0.10", port: 53 });
    await program("ns/dns", serve());
    expect(await left()).toEqual(["10.96.0.10:53 10.96.0.10"]);
  });

  it("that went nowhere are forgotten when the first endpoint comes", async () => {
    await program("ns/dns", serve());
    insert({ to: "10.96.0.10", port: 53 }, { to: "10.96.0.11", port: 53 });
    await program("ns/dns", serve(one));
    expect(await left()).toEqual(["10.96.0.11:53 10.96.0.11"]);
  });

  it("of a Service that is gone are forgotten where they went to its endpoints", async () => {
    await program("ns/dns", serve(one));
    insert(
      { to: "10.96.0.10", port: 53, via: via.one },
      { to: "10.96.0.10", port: 53 },
      { to: "10.96.0.10", port: 53, via: "10.9.9.9:53" },
    );
    await program("ns/dns", undefined);
    expect(await left()).toEqual(["10.96.0.10:53 10.96.0.10", "10.96.0.10:53 10.9.9.9"]);
  });

  it("stay where an endpoint ends but serves", async () => {
    await program("ns/dns", serve(one, two));
    insert({ to: "10.96.0.10", port: 53, via: via.one });
    await program("ns/dns", serve({ ...one, ready: false, terminating: true }, two));
    expect(await left()).toHaveLength(1);
    await program("ns/dns", serve({ ...one, ready: false, serving: false, terminating: true }, two));
    expect(await left()).toEqual([]);
  });

  it("to node ports are forgotten at the node's addresses", async () => {
    const port = (...endpoints: Endpoint[]) => wanted(dns({ nodePort: 30_053 }), endpoints);
    insert({ to: node, port: 30_053 }, { to: "8.8.8.8", port: 30_053 });
    await program("ns/dns", port(one));
    expect(await left()).toEqual(["8.8.8.8:30053 8.8.8.8"]);
    insert({ to: node, port: 30_053, via: via.one }, { to: "192.0.2.2", port: 30_053, via: via.one });
    await program("ns/dns", port(two));
    expect(await left()).toEqual(["8.8.8.8:30053 8.8.8.8", "192.0.2.2:30053 10.244.1.11"]);
    // An address that is the node's from now on.
    cleaner.setNodePortAddresses([node, "192.0.2.2" as IpAddress]);
    await clean();
    expect(await left()).toEqual(["8.8.8.8:30053 8.8.8.8"]);
  });

  it("to external and load balancers' addresses are forgotten, of IPv6 and SCTP too", async () => {
    const six = endpoint("fd00:10:244:1::11", true, 53);
    const port = (...endpoints: Endpoint[]) =>
      wanted(
        dns({
          family: "IPv6",
          protocol: "SCTP",
          clusterIp: "fd00:10:96::10" as IpAddress,
          externalIps: ["2001:db8::10" as IpAddress],
          loadBalancerIps: ["2001:db8::11" as IpAddress],
        }),
        endpoints,
      );
    cleaner.programmed("IPv6", [["ns/sctp", port(six)]]);
    await clean();
    const flow = { port: 53, protocol: "sctp", via: "[fd00:10:244:1::11]:53" } as const;
    insert(
      { to: "fd00:10:96::10", ...flow },
      { to: "2001:db8::10", ...flow },
      { to: "2001:db8::11", ...flow },
      { to: "2001:db8::12", ...flow },
    );
    cleaner.programmed("IPv6", [["ns/sctp", port()]]);
    await clean();
    expect(await left()).toEqual(["2001:db8::12:53 fd00:10:244:1::11"]);
    expect(cleaned.at(-1)).toBe("IPv6 3");
  });

  it("to an address that two Services claim stay while either serves", async () => {
    const shared = { externalIps: ["203.0.113.5" as IpAddress] };
    await program("ns/a", wanted(dns(shared), [one]));
    await program("ns/b", wanted(dns({ ...shared, clusterIp: "10.96.0.99" as IpAddress }), [two]));
    insert({ to: "203.0.113.5", port: 53, via: via.one }, { to: "203.0.113.5", port: 53, via: via.two });
    await program("ns/a", undefined);
    expect(await left()).toEqual(["203.0.113.5:53 10.245.0.2"]);
  });

  it("that became stale while nobody looked are forgotten at the start", async () => {
    insert({ to: "10.96.0.10", port: 53, via: "10.245.9.9:53" }, { to: "10.96.0.10", port: 53, via: via.one });
    await program("ns/dns", serve(one));
    expect(await left()).toEqual(["10.96.0.10:53 10.244.1.11"]);
  });
});

describe("cost", () => {
  it("is none for TCP, and none for a change that leaves nothing stale", async () => {
    await program("ns/web", wanted(servicePort(1), [one]));
    await program("ns/web", undefined);
    expect(lists).toEqual([]);
    await program("ns/dns", wanted(dns(), [one]));
    lists = [];
    await program("ns/dns", wanted(dns(), [one, two]));
    expect(lists).toEqual([]);
  });

  it("is a dump of the frontend's flows for one, and of the protocol's for many", () => {
    const frontend = (address: string | undefined, port: number) =>
      ({ family: "ip", protocol: "udp", address: address as IpAddress | undefined, port }) as const;
    expect(planLists([frontend("10.96.0.10", 53), frontend(undefined, 30_053)])).toEqual([
      { family: "ip", zone: 0, original: { protocol: "udp", destinationPort: 53, destination: "10.96.0.10" } },
      { family: "ip", zone: 0, original: { protocol: "udp", destinationPort: 30_053 } },
    ]);
    const many = Array.from({ length: 100 }, (_, i) => frontend(`10.96.0.${i}`, 53));
    expect(planLists(many)).toEqual([{ family: "ip", zone: 0, original: { protocol: "udp", destinationPort: 53 } }]);
    const ports = Array.from({ length: 100 }, (_, i) => frontend("10.96.0.1", i));
    expect(planLists(ports)).toEqual([{ family: "ip", zone: 0, original: { protocol: "udp" } }]);
  });
});

describe("faults", () => {
  const fault = (errno: number) =>
    new FairleadError("NETLINK_OVERRUN", { subject: "list conntrack entries", reason: "injected", errno });

  it("of any call are tried again until all is clean, behind longer and longer pauses", async () => {
    await program("ns/dns", wanted(dns(), [one, two]));
    insert({ to: "10.96.0.10", port: 53, via: via.one });
    clock.advance(60_000);
    // EINTR and ENOBUFS of the list, ENOBUFS of the deletion.
    faults = [fault(4), fault(105), undefined, fault(105)];
    const pauses = [100, 200, 400];
    cleaner.programmed("IPv4", [["ns/dns", wanted(dns(), [two])]]);
    for (const [i, ms] of pauses.entries()) {
      await cleaner.settled();
      expect(errors).toHaveLength(i + 1);
      clock.advance(ms - 1);
      await cleaner.settled();
      expect(errors).toHaveLength(i + 1);
      expect(await left()).toHaveLength(1);
      clock.advance(1);
    }
    await cleaner.settled();
    expect(await left()).toEqual([]);
    expect(errors).toHaveLength(3);
  });

  it("lose no change that comes meanwhile, and end with the cleaner", async () => {
    await program("ns/dns", wanted(dns(), [one]));
    await program("ns/other", wanted(dns({ clusterIp: "10.96.0.77" as IpAddress }), [two]));
    insert({ to: "10.96.0.10", port: 53, via: via.one }, { to: "10.96.0.77", port: 53, via: via.two });
    clock.advance(60_000);
    faults = [fault(4)];
    cleaner.programmed("IPv4", [["ns/dns", undefined]]);
    cleaner.programmed("IPv4", [["ns/other", undefined]]);
    await cleaner.settled();
    expect(await left()).toHaveLength(2);
    await clean();
    expect(await left()).toEqual([]);
    faults = Array.from({ length: 9 }, () => fault(105));
    cleaner.programmed("IPv4", [["ns/dns", wanted(dns(), [one])]]);
    await clean();
    await cleaner.close();
    const { length } = errors;
    clock.advance(600_000);
    await cleaner.settled();
    expect(errors).toHaveLength(length);
    expect(clock.waiting).toBe(0);
  });
});
