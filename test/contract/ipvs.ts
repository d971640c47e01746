/** What every IpvsPort does. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { IpAddress } from "../../src/model/address.ts";
import {
  destinationName,
  serviceName,
  type IpvsDestination,
  type IpvsService,
  type IpvsServiceKey,
} from "../../src/kernel/netlink/ipvs/service.ts";
import type { IpvsStep } from "../../src/kernel/netlink/ipvs/step.ts";
import type { IpvsPort } from "../../src/kernel/ports.ts";

export interface IpvsSubject {
  /** Of a namespace in which nobody else has IPVS services. */
  readonly port: IpvsPort;
  close(): Promise<void>;
}

const ip = (text: string) => text as IpAddress;
const v4: IpvsServiceKey = { address: ip("10.96.0.1"), port: 443, protocol: "tcp" };
const v6: IpvsServiceKey = { address: ip("fd96::1"), port: 53, protocol: "udp" };
const marked: IpvsServiceKey = { family: "ip", mark: 5 };
const server = (n: number, more: Partial<IpvsDestination> = {}): IpvsDestination => ({
  address: ip(`10.244.0.${n}`),
  port: 8443,
  forwarding: "masq",
  weight: 1,
  ...more,
});
const server6 = (n: number, more: Partial<IpvsDestination> = {}): IpvsDestination => ({
  ...server(n, more),
  address: ip(`fd00::${n}`),
});

/** Services with all that one can have, as a list returns them. */
const services: readonly IpvsService[] = [
  { key: v4, scheduler: "rr" },
  { key: { ...v4, protocol: "udp" }, scheduler: "wrr", onePacket: true },
  { key: { ...v4, protocol: "sctp" }, scheduler: "wlc", persistence: { timeoutSeconds: 10_800 } },
  { key: { ...v4, port: 80 }, scheduler: "rr", persistence: { timeoutSeconds: 300, mask: 24 } },
  { key: { ...v4, port: 81 }, scheduler: "rr", persistence: { timeoutSeconds: 300, mask: 0 } },
  { key: { ...v4, port: 82 }, scheduler: "rr", persistence: { timeoutSeconds: 1, mask: ip("255.0.255.0") } },
  { key: { ...v4, port: 0 }, scheduler: "rr", persistence: { timeoutSeconds: 60 } },
  { key: { ...v4, port: 83 }, scheduler: "sh", schedulerFlags: ["fallback", "port"] },
  { key: { ...v4, port: 84 }, scheduler: "mh", schedulerFlags: ["port"] },
  { key: { ...v4, port: 85 }, scheduler: "mh", schedulerFlags: ["fallback"], persistence: { timeoutSeconds: 9 } },
  { key: { ...v4, port: 86 }, scheduler: "none" },
  { key: v6, scheduler: "lc" },
  { key: { ...v6, port: 54 }, scheduler: "sh", persistence: { timeoutSeconds: 5, mask: 64 } },
  { key: { ...v6, port: 55 }, scheduler: "rr", persistence: { timeoutSeconds: 5 } },
  { key: marked, scheduler: "rr" },
  { key: { family: "ip6", mark: 5 }, scheduler: "wrr", persistence: { timeoutSeconds: 7, mask: 48 } },
];

const schedulers = "rr wrr lc wlc lblc lblcr sh mh dh sed nq fo ovf".split(" ");

export function describeIpvs(name: string, open: () => Promise<IpvsSubject>): void {
  describe(`IPVS port: ${name}`, () => {
    let subject: IpvsSubject;
    let port: IpvsPort;
    beforeEach(async () => {
      subject = await open();
      port = subject.port;
    });
    afterEach(() => subject.close());

    const outcomes = async (...steps: IpvsStep[]) => (await port.apply(steps)).map((error) => error?.errno ?? "done");
    const add = (service: IpvsService): IpvsStep => ({ verb: "addService", service });
    const addTo = (service: IpvsServiceKey, destination: IpvsDestination): IpvsStep => ({
      verb: "addDestination",
      service,
      destination,
    });
    const destinations = async (key: IpvsServiceKey) => byName((await port.list([key]))[0]!.destinations.map(plain));

    it("lists nothing where there is nothing", async () => {
      expect(await port.services()).toEqual([]);
      expect(await port.list()).toEqual([]);
      expect(await port.list([v4, v6, marked])).toEqual([]);
    });

    it("keeps services with all that they have", async () => {
      expect(await port.apply(services.map(add))).toEqual(services.map(() => null));
      const listed = await port.services();
      const counters = { connections: 0n, packetsIn: 0n, packetsOut: 0n, bytesIn: 0n, bytesOut: 0n };
      expect(listed.sort(byKey)).toEqual(services.map((service) => ({ ...service, counters })).sort(byKey));
      expect((await port.list(services.map(({ key }) => key))).map(({ key }) => key)).toEqual(
        services.map(({ key }) => key),
      );
      const deletions = services.map(({ key }): IpvsStep => ({ verb: "deleteService", service: key }));
      expect(await port.apply(deletions)).toEqual(services.map(() => null));
      expect(await port.services()).toEqual([]);
    });

    it("has every scheduler", async () => {
      const all = schedulers.map((scheduler, i) => add({ key: { ...v4, port: i + 1 }, scheduler }));
      expect(await port.apply(all)).toEqual(all.map(() => null));
      const listed = (await port.services()).sort(byKey).map(({ scheduler }) => scheduler);
      expect(listed.sort()).toEqual([...schedulers].sort());
    });

    it("keeps destinations with all that they have", async () => {
      const wanted = [
        server(1),
        server(2, { weight: 0 }),
        server(3, { weight: 2 ** 31 - 1, upperThreshold: 100, lowerThreshold: 50 }),
        server(4, { forwarding: "direct" }),
        server(5, { forwarding: "tunnel", upperThreshold: 7 }),
        server(6, { forwarding: "local", port: 1 }),
      ];
      expect(await outcomes(add(services[0]!), ...wanted.map((one) => addTo(v4, one)))).toEqual([
        "done",
        ...wanted.map(() => "done"),
      ]);
      expect(await destinations(v4)).toEqual(byName(wanted));
      const [listed] = await port.list();
      expect(listed!.destinations[0]).toMatchObject({
        activeConnections: 0,
        inactiveConnections: 0,
        persistentConnections: 0,
        counters: { connections: 0n, bytesOut: 0n },
      });
    });

    it("keeps destinations of IPv6, of a mark, and by a tunnel those of the other family", async () => {
      const markedService = services.find(({ key }) => key === marked)!;
      const v6Service = services.find(({ key }) => key === v6)!;
      expect(
        await outcomes(
          add(v6Service),
          addTo(v6, server6(1)),
          addTo(v6, server6(2, { weight: 5 })),
          addTo(v6, server(3, { forwarding: "tunnel" })),
          add(markedService),
          addTo(marked, server(4, { port: 0, forwarding: "direct" })),
        ),
      ).toEqual(Array(6).fill("done"));
      expect(await destinations(v6)).toEqual(
        byName([server6(1), server6(2, { weight: 5 }), server(3, { forwarding: "tunnel" })]),
      );
      expect(await destinations(marked)).toEqual([server(4, { port: 0, forwarding: "direct" })]);
    });

    it("tells a service by all of its key", async () => {
      const keys: IpvsServiceKey[] = [
        v4,
        { ...v4, port: 444 },
        { ...v4, protocol: "udp" },
        { ...v4, address: ip("10.96.0.2") },
        { ...v4, address: ip("fd96::a60:1") },
        { family: "ip", mark: 443 },
        { family: "ip6", mark: 443 },
      ];
      expect(await outcomes(...keys.map((key) => add({ key, scheduler: "rr" })))).toEqual(keys.map(() => "done"));
      const third = keys[2]!;
      expect(await outcomes({ verb: "deleteService", service: third })).toEqual(["done"]);
      const left = (await port.services()).map(({ key }) => serviceName(key)).sort();
      expect(left).toEqual(
        keys
          .filter((key) => key !== third)
          .map(serviceName)
          .sort(),
      );
    });

    it("changes what a service and a destination have, and nothing else of them", async () => {
      await port.apply([add({ key: v4, scheduler: "sh", schedulerFlags: ["port"] }), addTo(v4, server(1))]);
      const changed: IpvsService = { key: v4, scheduler: "wrr", persistence: { timeoutSeconds: 60, mask: 16 } };
      expect(
        await outcomes(
          { verb: "setService", service: changed },
          { verb: "setDestination", service: v4, destination: server(1, { weight: 0, upperThreshold: 3 }) },
        ),
      ).toEqual(["done", "done"]);
      const [listed] = await port.list([v4]);
      const { destinations: found, counters: _, ...rest } = listed!;
      expect(rest).toEqual(changed);
      expect(found.map(plain)).toEqual([server(1, { weight: 0, upperThreshold: 3 })]);
      expect(await outcomes({ verb: "setService", service: { key: v4, scheduler: "rr" } })).toEqual(["done"]);
      const [{ counters: __, ...plainAgain }] = (await port.services()) as [IpvsService & { counters: unknown }];
      expect(plainAgain).toEqual({ key: v4, scheduler: "rr" });
    });

    it("deletes a service with its destinations, and a destination alone", async () => {
      await port.apply([add(services[0]!), addTo(v4, server(1)), addTo(v4, server(2))]);
      expect(await outcomes({ verb: "deleteDestination", service: v4, destination: server(1) })).toEqual(["done"]);
      expect(await destinations(v4)).toEqual([server(2)]);
      expect(await outcomes({ verb: "deleteService", service: v4 }, add(services[0]!))).toEqual(["done", "done"]);
      expect(await destinations(v4)).toEqual([]);
    });

    it("goes on behind a step that is refused, and says why it was", async () => {
      const errors = await port.apply([
        add(services[0]!),
        add(services[0]!),
        { verb: "setService", service: { key: v6, scheduler: "rr" } },
        { verb: "deleteDestination", service: v4, destination: server(1) },
        add({ key: v6, scheduler: "fairlead" }),
        addTo(v4, server(1)),
      ]);
      expect(errors.map((error) => error && [error.code, error.errno])).toEqual([
        null,
        ["NETLINK_REFUSED", 17],
        ["NETLINK_REFUSED", 3],
        ["NETLINK_REFUSED", 2],
        ["NETLINK_REFUSED", 2],
        null,
      ]);
      expect(errors[1]!.message).toContain("add IPVS service tcp 10.96.0.1:443 with scheduler rr");
      expect(errors[2]!.message).toContain("change IPVS service udp [fd96::1]:53");
      expect(errors[2]!.message).toContain("ESRCH: there is no such service");
      expect(errors[3]!.message).toContain("delete destination 10.244.0.1:8443 of IPVS service tcp 10.96.0.1:443");
      expect(errors[3]!.message).toContain("ENOENT: there is no such destination");
      expect(errors[4]!.message).toContain("the kernel has no such scheduler");
      expect(await destinations(v4)).toEqual([server(1)]);
    });

    it.each<[string, IpvsStep, number]>([
      ["a destination that is there", addTo(v4, server(1, { weight: 9 })), 17],
      ["a change of one that is not", { verb: "setDestination", service: v4, destination: server(2) }, 2],
      ["a destination of no service", addTo(v6, server6(1)), 3],
      ["a deletion of no service", { verb: "deleteService", service: v6 }, 3],
      ["counters of no service", { verb: "zeroCounters", service: v6 }, 3],
      ["a lower threshold above the upper", addTo(v4, server(2, { upperThreshold: 1, lowerThreshold: 2 })), 34],
      ["a weight below 0", addTo(v4, server(2, { weight: 2 ** 31 })), 34],
      ["a masqueraded server of the other family", addTo(v4, server6(2)), 22],
      ["a server that is no host", addTo(v4, server(2, { address: ip("0.0.0.0") })), 22],
      ["a server that is many hosts", addTo(v4, server(2, { address: ip("224.0.0.1") })), 22],
      ["a prefix of nothing", add({ key: v6, scheduler: "rr", persistence: { timeoutSeconds: 1, mask: 0 } }), 22],
      ["a scheduler that is not there", { verb: "setService", service: { key: v4, scheduler: "fairlead" } }, 2],
    ])("refuses %s", async (_what, step, code) => {
      await port.apply([add(services[0]!), addTo(v4, server(1))]);
      expect(await outcomes(step)).toEqual([code]);
      const { counters: _, destinations: found, ...service } = (await port.list())[0]!;
      expect(service).toEqual(services[0]);
      expect(found.map(plain)).toEqual([server(1)]);
    });

    it.each<[string, IpvsStep]>([
      ["a scheduler's name that is too long", add({ key: v6, scheduler: "x".repeat(16) })],
      ["what is no address", add({ key: { ...v4, address: ip("10.96.0") }, scheduler: "rr" })],
      [
        "more bits than an address has",
        add({ key: v4, scheduler: "rr", persistence: { timeoutSeconds: 1, mask: 33 } }),
      ],
      ["a port that is none", addTo(v4, server(1, { port: 65_536 }))],
    ])("refuses %s before anything is sent", async (_what, step) => {
      await expect(port.apply([add(services[0]!), step])).rejects.toMatchObject({ code: "NETLINK_ENCODE" });
      expect(await port.services()).toEqual([]);
    });

    it("sets timeouts, those that are given", async () => {
      expect(await port.timeouts()).toEqual({ tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 });
      await port.setTimeouts({ tcpSeconds: 7200, udpSeconds: 10 });
      await port.setTimeouts({ tcpFinSeconds: 0 });
      expect(await port.timeouts()).toEqual({ tcpSeconds: 7200, tcpFinSeconds: 120, udpSeconds: 10 });
      await expect(port.setTimeouts({ tcpSeconds: 2 ** 31 - 1 })).rejects.toMatchObject({
        code: "NETLINK_REFUSED",
        errno: 22,
      });
      expect((await port.timeouts()).tcpSeconds).toBe(7200);
    });

    it("says what it is", async () => {
      const { version, connectionTableSize } = await port.info();
      expect(version).toMatch(/^1\.2\.\d+$/);
      expect(connectionTableSize).toBeGreaterThanOrEqual(256);
    });

    it("takes more steps than one batch holds", async () => {
      const ports = Array.from({ length: 450 }, (_, n) => n + 1);
      const keys = Array.from({ length: 10 }, (_, n) => ({ ...v4, port: n + 1 }));
      const steps = keys.flatMap((key): IpvsStep[] => [
        add({ key, scheduler: "rr" }),
        ...ports.map((n) => addTo(key, server(1, { port: n }))),
      ]);
      steps.splice(4500, 0, { verb: "deleteService", service: v6 });
      const errors = await port.apply(steps);
      expect(errors.flatMap((error, index) => (error ? [[index, error.errno]] : []))).toEqual([[4500, 3]]);
      const listed = await port.list();
      expect(listed.map(({ destinations: found }) => found.length)).toEqual(keys.map(() => ports.length));
      expect(await destinations(keys[9]!)).toEqual(byName(ports.map((n) => server(1, { port: n }))));
    });

    it("is refused once it is closed, and closes twice", async () => {
      port.close();
      port.close();
      await expect(port.services()).rejects.toMatchObject({ code: "NATIVE_CALL" });
      await expect(port.apply([add(services[0]!)])).rejects.toMatchObject({ code: "NATIVE_CALL" });
    });
  });
}

function plain(listed: IpvsDestination): IpvsDestination {
  const { address, port, forwarding, weight, upperThreshold, lowerThreshold } = listed;
  return {
    address,
    port,
    forwarding,
    weight,
    ...(upperThreshold !== undefined && { upperThreshold }),
    ...(lowerThreshold !== undefined && { lowerThreshold }),
  };
}

function byName(destinations: readonly IpvsDestination[]): IpvsDestination[] {
  return [...destinations].sort((a, b) => (destinationName(a) < destinationName(b) ? -1 : 1));
}

function byKey(a: IpvsService, b: IpvsService): number {
  return serviceName(a.key) < serviceName(b.key) ? -1 : 1;
}
