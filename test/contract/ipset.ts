/** What every IpsetPort does. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { IpAddress } from "../../src/model/address.ts";
import type { HashDefinition, IpsetDefinition, IpsetElement } from "../../src/kernel/netlink/ipset/set.ts";
import type { IpsetStep } from "../../src/kernel/netlink/ipset/step.ts";
import type { IpsetPort } from "../../src/kernel/ports.ts";

export interface IpsetSubject {
  readonly port: IpsetPort;
  close(): Promise<void>;
}

const ip = (text: string) => text as IpAddress;
const service = (n: number, port = 443): IpsetElement => ({ ip: ip(`10.96.0.${n}`), port, protocol: "tcp" });
const clusterIps: HashDefinition = { type: "hash:ip,port", family: "ip" };

/** A definition of each type with elements as a list returns them. */
const samples: readonly (readonly [IpsetDefinition, readonly IpsetElement[]])[] = [
  [{ type: "hash:ip", family: "ip" }, [{ ip: ip("10.0.0.1") }, { ip: ip("10.0.0.2") }]],
  [{ type: "hash:ip", family: "ip6", comment: true }, [{ ip: ip("fd00::1"), comment: "the first" }]],
  [
    { type: "hash:net", family: "ip" },
    [
      { ip: ip("10.0.0.0"), cidr: 8 },
      { ip: ip("10.0.0.1"), cidr: 32 },
    ],
  ],
  [{ type: "hash:net", family: "ip6" }, [{ ip: ip("fd00::"), cidr: 64 }]],
  [clusterIps, [service(1), { ...service(1), protocol: "udp" }, { ...service(1), protocol: "sctp" }]],
  [
    { type: "hash:ip,port", family: "ip6", counters: true },
    [{ ip: ip("fd96::1"), port: 53, protocol: "udp", packets: 7n, bytes: 2n ** 40n }],
  ],
  [{ type: "hash:ip,port,ip", family: "ip" }, [{ ...service(2), ip2: ip("10.1.0.1") }]],
  [{ type: "hash:ip,port,net", family: "ip" }, [{ ...service(3), ip2: ip("192.168.0.0"), cidr2: 16 }]],
  [
    { type: "hash:ip,port,net", family: "ip6" },
    [{ ip: ip("fd96::2"), port: 1, protocol: "tcp", ip2: ip("fd01::"), cidr2: 32 }],
  ],
  [{ type: "hash:net,port", family: "ip" }, [{ ip: ip("10.2.0.0"), cidr: 16, port: 80, protocol: "tcp" }]],
  [{ type: "bitmap:port", portFrom: 30_000, portTo: 32_767 }, [{ port: 30_000 }, { port: 32_767 }]],
];

export function describeIpset(name: string, open: () => Promise<IpsetSubject>): void {
  describe(`ipset port: ${name}`, () => {
    let subject: IpsetSubject;
    let port: IpsetPort;
    beforeEach(async () => {
      subject = await open();
      port = subject.port;
    });
    afterEach(() => subject.close());

    const outcomes = async (...steps: IpsetStep[]) => (await port.apply(steps)).map((error) => error?.errno ?? "done");
    const contents = async (set: string) => sorted((await port.list(set))[0]!.elements);

    it("lists nothing where there is nothing", async () => {
      expect(await port.list()).toEqual([]);
      expect(await port.list("none")).toEqual([]);
    });

    it.each(samples)("keeps $type of $family", async (definition, elements) => {
      const steps: IpsetStep[] = [
        { verb: "create", set: "s", definition },
        { verb: "add", set: "s", elements },
      ];
      expect(await port.apply(steps)).toEqual([null, null]);
      const [set] = await port.list("s");
      expect(set).toMatchObject({ name: "s", definition, references: 0, elementCount: elements.length });
      expect(sorted(set!.elements)).toEqual(sorted(elements));
      for (const element of elements) expect(await port.has("s", element)).toBe(true);
      expect(await outcomes({ verb: "remove", set: "s", elements, exclusive: true })).toEqual(["done"]);
      expect(await contents("s")).toEqual([]);
      for (const element of elements) expect(await port.has("s", element)).toBe(false);
    });

    it("keeps what a definition says", async () => {
      const definition: IpsetDefinition = {
        ...clusterIps,
        hashSize: 64,
        maxElements: 100,
        timeoutSeconds: 600,
        counters: true,
        comment: true,
        forceAdd: true,
      };
      await port.apply([{ verb: "create", set: "s", definition }]);
      expect((await port.list("s"))[0]!.definition).toMatchObject(definition);
    });

    it("cuts the host bits of networks", async () => {
      await port.apply([
        { verb: "create", set: "s", definition: { type: "hash:net", family: "ip" } },
        { verb: "add", set: "s", elements: [{ ip: ip("10.255.3.4"), cidr: 12 }] },
      ]);
      expect(await contents("s")).toEqual([{ ip: "10.240.0.0", cidr: 12 }]);
    });

    it("does nothing the second time, and refuses it on demand", async () => {
      const create = { verb: "create", set: "s", definition: clusterIps } as const;
      const add = { verb: "add", set: "s", elements: [service(1)] } as const;
      const remove = { verb: "remove", set: "s", elements: [service(1)] } as const;
      expect(await outcomes(create, create, { ...create, exclusive: true })).toEqual(["done", "done", 17]);
      expect(await outcomes(add, add, { ...add, exclusive: true })).toEqual(["done", "done", 4103]);
      expect(await outcomes(remove, remove, { ...remove, exclusive: true })).toEqual(["done", "done", 4103]);
      expect(await outcomes({ ...create, definition: { ...clusterIps, maxElements: 5 } })).toEqual([17]);
    });

    it("goes on behind a step that is refused", async () => {
      expect(
        await outcomes(
          { verb: "add", set: "none", elements: [service(1)] },
          { verb: "create", set: "s", definition: clusterIps },
          { verb: "flush", set: "none" },
          { verb: "add", set: "s", elements: [service(1)] },
          { verb: "destroy", set: "none" },
        ),
      ).toEqual([2, "done", 2, "done", 2]);
      expect(await contents("s")).toEqual([service(1)]);
    });

    it("names the element that is refused, and keeps those before it", async () => {
      const elements = [service(1), service(2), { ...service(3), ip: ip("fd00::3") }, service(4)];
      const [, error] = await port.apply([
        { verb: "create", set: "s", definition: clusterIps },
        { verb: "add", set: "s", elements },
      ]);
      expect(error).toMatchObject({ code: "NETLINK_REFUSED", errno: 4097 });
      expect(error!.message).toContain("add element fd00::3,tcp:443 to ipset s");
      expect(error!.message).toContain("an address is of the other family");
      expect(await contents("s")).toEqual([service(1), service(2)]);
    });

    it.each([
      ["a full set", { ...clusterIps, maxElements: 1, hashSize: 64 }, [service(1), service(2)], 4352],
      ["a port out of range", { type: "bitmap:port", portFrom: 10, portTo: 20 }, [{ port: 21 }], 4352],
      ["a timeout in a set without", clusterIps, [{ ...service(1), timeoutSeconds: 5 }], 4107],
      ["a comment in a set without", clusterIps, [{ ...service(1), comment: "x" }], 4112],
      ["counters in a set without", clusterIps, [{ ...service(1), packets: 1n }], 4111],
      ["an address of the other family", { type: "hash:ip", family: "ip6" }, [{ ip: ip("10.0.0.1") }], 4097],
      ["a prefix that is too long", { type: "hash:net", family: "ip" }, [{ ip: ip("10.0.0.1"), cidr: 33 }], 4104],
      ["an element that lacks its port", clusterIps, [{ ip: ip("10.0.0.1"), protocol: "tcp" }], 4097],
      ["an element that lacks its protocol", clusterIps, [{ ip: ip("10.0.0.1"), port: 80 }], 4355],
      ["a set that is not there", { type: "list:set" }, [{ set: "none" }], 4352],
    ] as [string, IpsetDefinition, IpsetElement[], number][])(
      "refuses %s",
      async (_what, definition, elements, errno) => {
        const [created, added] = await port.apply([
          { verb: "create", set: "s", definition },
          { verb: "add", set: "s", elements },
        ]);
        expect(created).toBeNull();
        expect(added?.errno).toBe(errno);
      },
    );

    it("refuses names that do not fit before anything is sent", async () => {
      const steps: IpsetStep[] = [
        { verb: "create", set: "s", definition: clusterIps },
        { verb: "create", set: "x".repeat(32), definition: clusterIps },
      ];
      await expect(port.apply(steps)).rejects.toMatchObject({ code: "NETLINK_ENCODE", subject: "name" });
      expect(await port.list()).toEqual([]);
    });

    it("flushes, renames and destroys", async () => {
      await port.apply([
        { verb: "create", set: "a", definition: clusterIps },
        { verb: "create", set: "b", definition: clusterIps },
        { verb: "add", set: "a", elements: [service(1)] },
      ]);
      expect(await outcomes({ verb: "rename", set: "a", to: "b" }, { verb: "rename", set: "a", to: "c" })).toEqual([
        4101,
        "done",
      ]);
      expect(await contents("c")).toEqual([service(1)]);
      expect(await outcomes({ verb: "flush", set: "c" }, { verb: "rename", set: "a", to: "d" })).toEqual(["done", 2]);
      expect(await contents("c")).toEqual([]);
      expect(await outcomes({ verb: "destroy", set: "b" }, { verb: "destroy", set: "c" })).toEqual(["done", "done"]);
      expect(await port.list()).toEqual([]);
    });

    it("swaps sets of one kind at once", async () => {
      await port.apply([
        { verb: "create", set: "live", definition: clusterIps },
        { verb: "create", set: "next", definition: clusterIps },
        { verb: "create", set: "other", definition: { type: "hash:ip", family: "ip" } },
        { verb: "add", set: "live", elements: [service(1)] },
        { verb: "add", set: "next", elements: [service(2), service(3)] },
      ]);
      expect(
        await outcomes(
          { verb: "swap", set: "live", with: "next" },
          { verb: "swap", set: "live", with: "other" },
          { verb: "swap", set: "live", with: "none" },
          { verb: "swap", set: "none", with: "live" },
        ),
      ).toEqual(["done", 4102, 4101, 2]);
      expect(await contents("live")).toEqual([service(2), service(3)]);
    });

    it("holds sets that a list of sets refers to", async () => {
      await port.apply([
        { verb: "create", set: "a", definition: clusterIps },
        { verb: "create", set: "l", definition: { type: "list:set", size: 4 } },
        { verb: "create", set: "m", definition: { type: "list:set" } },
        { verb: "add", set: "l", elements: [{ set: "a" }] },
      ]);
      const [list] = await port.list("l");
      expect(list).toMatchObject({ definition: { type: "list:set", size: 4 }, elements: [{ set: "a" }] });
      expect((await port.list("a"))[0]!.references).toBe(1);
      expect(
        await outcomes(
          { verb: "destroy", set: "a" },
          { verb: "rename", set: "a", to: "b" },
          { verb: "add", set: "l", elements: [{ set: "m" }] },
          { verb: "remove", set: "l", elements: [{ set: "a" }] },
          { verb: "destroy", set: "a" },
        ),
      ).toEqual([4100, 4108, 4353, "done", "done"]);
    });

    it("tests only sets that are there", async () => {
      await expect(port.has("none", service(1))).rejects.toMatchObject({ code: "NETLINK_REFUSED", errno: 2 });
    });

    it("takes more elements than one message holds", async () => {
      const elements = Array.from({ length: 3000 }, (_, n): IpsetElement => ({
        ip: ip(`10.${n >> 8}.0.${n & 255}`),
        port: n,
        protocol: "udp",
      }));
      const steps: IpsetStep[] = [
        { verb: "create", set: "s", definition: clusterIps },
        { verb: "add", set: "s", elements },
      ];
      expect(await port.apply(steps)).toEqual([null, null]);
      expect(await contents("s")).toEqual(sorted(elements));
      const bad = [...elements.slice(0, 2500), { ...service(9), ip: ip("::1") }];
      const [error] = await port.apply([{ verb: "remove", set: "s", elements: bad }]);
      expect(error?.message).toContain("remove element ::1,tcp:443 from ipset s");
      expect((await port.list("s"))[0]!.elements).toHaveLength(500);
    });

    it("is refused once it is closed, and closes twice", async () => {
      port.close();
      port.close();
      await expect(port.list()).rejects.toMatchObject({ code: "NATIVE_CALL" });
    });
  });
}

/** Sets have no order; addresses of both are canonical text. */
function sorted(elements: readonly IpsetElement[]): IpsetElement[] {
  const key = ({ ip: address, ip2, port = 0, protocol, set }: IpsetElement): string =>
    [address, ip2, String(port).padStart(5, "0"), protocol, set].join(" ");
  return [...elements].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}
