/** What every ConntrackPort does. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { IpAddress } from "../../src/model/address.ts";
import type { ConntrackEntry, ConntrackTuple } from "../../src/kernel/netlink/ctnetlink/entry.ts";
import { mirrored } from "../../src/kernel/netlink/ctnetlink/messages.ts";
import type { ConntrackEvent, ConntrackPort } from "../../src/kernel/ports.ts";
import { eventually } from "../fixtures/eventually.ts";

export type Arranged = Pick<ConntrackEntry, "family" | "original" | "reply" | "mark" | "zone"> &
  Required<Pick<ConntrackEntry, "timeoutSeconds" | "status">>;

export interface ConntrackSubject {
  readonly port: ConntrackPort;
  /** Makes entries, as packets would. */
  insert(entries: readonly Arranged[]): Promise<void>;
  close(): Promise<void>;
}

const ip = (text: string) => text as IpAddress;
const frontend = ip("10.96.0.10");

/** A connection from client `n` to `destination`, translated to `endpoint` where there is one. */
export function flow(n: number, options: Partial<Flow> = {}): Arranged {
  const { destination = frontend, destinationPort = 53, protocol = "udp", mark = 0, zone = 0, endpoint } = options;
  const isIp6 = destination.includes(":");
  const source = ip(isIp6 ? `fd00::${n.toString(16)}` : `10.1.${n >> 8}.${n & 255}`);
  const original: ConntrackTuple = { source, destination, protocol, sourcePort: 20_000 + n, destinationPort };
  const reply = endpoint ? { ...mirrored(original), source: endpoint } : mirrored(original);
  const timeoutSeconds = 300;
  return {
    family: isIp6 ? "ip6" : "ip",
    original,
    reply,
    mark,
    zone,
    timeoutSeconds,
    status: ["seenReply", "confirmed"],
  };
}

interface Flow {
  readonly destination: IpAddress;
  readonly destinationPort: number;
  readonly protocol: "udp" | "sctp";
  readonly mark: number;
  readonly zone: number;
  readonly endpoint: IpAddress;
}

const sources = (entries: readonly ConntrackEntry[]) => entries.map((entry) => entry.original.source).sort();

export function describeConntrack(name: string, open: () => Promise<ConntrackSubject>): void {
  describe(`conntrack port: ${name}`, () => {
    let subject: ConntrackSubject;
    let port: ConntrackPort;
    beforeEach(async () => {
      subject = await open();
      port = subject.port;
    });
    afterEach(() => subject.close());

    it("lists nothing where there is nothing", async () => {
      expect(await port.list()).toEqual([]);
      expect(await port.stats()).toMatchObject({ entries: 0 });
    });

    it("lists entries whole", async () => {
      const made = [flow(1, { mark: 0x8000_0001 }), flow(2, { destination: ip("fd96::a") }), flow(3, { zone: 7 })];
      await subject.insert(made);
      const listed = await port.list();
      expect(listed).toHaveLength(3);
      for (const { timeoutSeconds: _, status, ...rest } of made) {
        const entry = listed.find(({ original }) => original.source === rest.original.source);
        expect(entry).toMatchObject(rest);
        expect(entry!.status).toEqual(expect.arrayContaining([...status]));
        expect(entry!.timeoutSeconds).toBeGreaterThan(290);
        expect(entry!.id).toEqual(expect.any(Number));
      }
      expect((await port.stats()).entries).toBe(3);
    });

    describe("filters", () => {
      const endpoint = ip("10.0.3.4");
      const ip6 = ip("fd96::a");
      beforeEach(() =>
        subject.insert([
          flow(1),
          flow(2, { destinationPort: 80, endpoint }),
          flow(3, { destination: ip6 }),
          flow(4, { destination: ip("fd96::b") }),
          flow(5, { zone: 7, mark: 0x4000 }),
          flow(6, { protocol: "sctp", mark: 0x4001 }),
          flow(7, { protocol: "sctp", destinationPort: 80 }),
        ]),
      );
      it.each([
        [
          "destination, protocol and port",
          [{ original: { destination: frontend, protocol: "udp", destinationPort: 53 } }],
          ["10.1.0.1", "10.1.0.5"],
        ],
        ["an endpoint in the reply", [{ reply: { source: endpoint } }], ["10.1.0.2"]],
        ["an IPv6 destination", [{ original: { destination: ip6 } }], ["fd00::3"]],
        ["family", [{ family: "ip6" }], ["fd00::3", "fd00::4"]],
        ["zone", [{ zone: 7 }], ["10.1.0.5"]],
        ["the default zone", [{ zone: 0, family: "ip", original: { protocol: "udp" } }], ["10.1.0.1", "10.1.0.2"]],
        ["mark under a mask", [{ mark: { value: 0x4000, mask: 0xc000 } }], ["10.1.0.5", "10.1.0.6"]],
        ["an SCTP port", [{ family: "ip", original: { protocol: "sctp", destinationPort: 80 } }], ["10.1.0.7"]],
        [
          "status bits that are not set",
          [{ zone: 7, status: { set: ["seenReply"], unset: ["assured"] } }],
          ["10.1.0.5"],
        ],
        ["status bits that are set", [{ status: { unset: ["seenReply"] } }], []],
        [
          "one of several",
          [{ original: { destination: ip6 } }, { reply: { source: endpoint } }],
          ["10.1.0.2", "fd00::3"],
        ],
        ["none", [], []],
      ] as const)("means %s: lists and removes just these", async (_what, filters, expected) => {
        expect(sources(await port.list(filters))).toEqual(expected);
        expect(await port.remove(filters)).toBe(expected.length);
        expect(await port.list(filters)).toEqual([]);
        expect(await port.list()).toHaveLength(7 - expected.length);
      });
    });

    it("deletes just the entries that it is given, and counts those that are still there", async () => {
      await subject.insert([flow(1), flow(2), flow(3), flow(4, { zone: 7 })]);
      const listed = await port.list();
      const [first, second, third, fourth] = listed.sort((a, b) => (a.original.source < b.original.source ? -1 : 1));
      await port.remove([{ original: { source: second!.original.source } }]);
      expect(await port.delete([first!, second!, fourth!])).toBe(2);
      expect(sources(await port.list())).toEqual(["10.1.0.3"]);
      expect(await port.delete([{ ...third!, id: third!.id! + 1 }])).toBe(0);
      expect(await port.list()).toHaveLength(1);
      expect(await port.delete([])).toBe(0);
    });

    it("refuses to remove everything", async () => {
      await subject.insert([flow(1)]);
      await expect(port.remove([{ zone: 3 }, { original: {} }])).rejects.toMatchObject({ code: "KERNEL_ARGUMENT" });
      expect(await port.list()).toHaveLength(1);
    });

    it("tells what comes and goes, of the types asked for", async () => {
      const events: ConntrackEvent[] = [];
      const destroyed: ConntrackEvent[] = [];
      await port.watch(["new", "destroy"], (event) => events.push(event));
      const other = await port.watch(["destroy"], (event) => destroyed.push(event));
      await subject.insert([flow(1)]);
      await port.remove([{ original: { destination: frontend } }]);
      await eventually("two events", () => events.length >= 2);
      await eventually("one event", () => destroyed.length >= 1);
      expect(events).toMatchObject([
        { event: "new", entry: { original: flow(1).original } },
        { event: "destroy", entry: { original: flow(1).original } },
      ]);
      expect(destroyed).toHaveLength(1);
      other.close();
      other.close();
    });

    it("is refused once it is closed, and closes twice", async () => {
      port.close();
      port.close();
      await expect(port.list()).rejects.toMatchObject({ code: "NATIVE_CALL" });
    });
  });
}
