/** What every RelayPort does. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RelayFrontend, RelayListener, RelayPort } from "../../src/kernel/ports.ts";
import { parseIp } from "../../src/model/address.ts";
import { eventually } from "../fixtures/eventually.ts";

export interface RelaySubject {
  /** With {@link relayListeners}. */
  readonly port: RelayPort;
  /** On 127.0.0.1, of TCP and UDP: each answers. */
  readonly endpoints: readonly [number, number];
  /** Somebody else's, of TCP and UDP. */
  readonly takenPort: number;
  /** Nobody's. */
  readonly freePort: number;
  /** The endpoint that a client of 127.0.0.1 reaches who goes to a port by itself; undefined: none. */
  reached(protocol: "TCP" | "UDP", port: number): Promise<number | undefined>;
  close(): Promise<void>;
}

export const relayListeners: readonly RelayListener[] = [
  { family: "IPv4", scope: 0 },
  { family: "IPv6", scope: 2 },
];

const loopback = parseIp("127.0.0.1")!;
const somewhere = "\x0a\x60\x00\x0a\x00\x50";

export function describeRelay(name: string, open: () => Promise<RelaySubject>): void {
  describe(`relay port: ${name}`, () => {
    let subject: RelaySubject;
    let port: RelayPort;
    beforeEach(async () => {
      subject = await open();
      ({ port } = subject);
    });
    afterEach(() => subject.close());

    const frontend = (key: string, more: Partial<RelayFrontend> = {}): RelayFrontend => ({
      key: `${key}${somewhere}`,
      protocol: "UDP",
      family: "IPv4",
      endpoints: endpointBytes(subject.endpoints[0]),
      affinityMs: 0,
      ...more,
    });
    /** Threads of the relay hear of it a moment later. */
    const isLeft = (protocol: "TCP" | "UDP", at: number) =>
      eventually("a port that is left", async () => (await subject.reached(protocol, at)) === undefined);
    const keys = async () => [...(await port.frontendCounts()).keys()].map((key) => key.slice(0, -somewhere.length));

    it("has a port for each listener", () => {
      const ports = relayListeners.map(({ scope }) => port.portOf(scope));
      expect(new Set(ports).size).toBe(relayListeners.length);
      for (const one of ports) expect(one).toBeGreaterThan(0);
      expect(() => port.portOf(1)).toThrow(TypeError);
    });

    it("gives TCP that is led to a listener no port, and UDP one of its own, which stays", async () => {
      const [tcp, a, b] = await port.update(
        [frontend("\0", { protocol: "TCP" }), frontend("a"), frontend("b", { family: "IPv6", endpoints: "" })],
        [],
      );
      expect(tcp).toBe(0);
      expect(a).toBeGreaterThan(0);
      expect(b).toBeGreaterThan(0);
      expect(b).not.toBe(a);
      expect(await port.update([frontend("a", { endpoints: "", affinityMs: 1000 })], [])).toEqual([a]);
      expect(await keys()).toEqual(expect.arrayContaining(["\0", "a", "b"]));
    });

    it("leaves nobody through who comes by himself to what others are led to", async () => {
      const [udp] = await port.update([frontend("a"), frontend("\0", { protocol: "TCP" })], []);
      expect(await subject.reached("UDP", udp!)).toBeUndefined();
      expect(await subject.reached("TCP", port.portOf(0))).toBeUndefined();
    });

    it.each(["TCP", "UDP"] as const)(
      "listens where it is told to, %s, for as long as it is told so",
      async (protocol) => {
        const [one, other] = subject.endpoints;
        const listen = { address: loopback, port: 0 };
        const [at] = await port.update([frontend("a", { protocol, listen })], []);
        expect(await subject.reached(protocol, at!)).toBe(one);
        const endpoints = endpointBytes(other);
        expect(await port.update([frontend("a", { protocol, listen, endpoints })], [])).toEqual([at]);
        expect(await subject.reached(protocol, at!)).toBe(other);
        const elsewhere = { address: loopback, port: subject.freePort };
        expect(await port.update([frontend("a", { protocol, listen: elsewhere })], [])).toEqual([subject.freePort]);
        expect(await subject.reached(protocol, subject.freePort)).toBe(one);
        await isLeft(protocol, at!);
        await port.update([], [frontend("a").key]);
        await isLeft(protocol, subject.freePort);
        expect(await keys()).toEqual([]);
      },
    );

    it.each(["TCP", "UDP"] as const)("changes nothing where a port is somebody else's, %s", async (protocol) => {
      const listen = { address: loopback, port: 0 };
      const [at] = await port.update([frontend("a", { protocol, listen })], []);
      const refused = port.update(
        [
          frontend("a", { protocol, listen, endpoints: "" }),
          frontend("b", { protocol, listen }),
          frontend("c", { protocol, listen: { address: loopback, port: subject.takenPort } }),
        ],
        [],
      );
      await expect(refused).rejects.toMatchObject({
        code: "NATIVE_CALL",
        message: expect.stringContaining("EADDRINUSE"),
      });
      expect(await keys()).toEqual(["a"]);
      expect(await subject.reached(protocol, at!)).toBe(subject.endpoints[0]);
    });

    it("takes no endpoints of another length", async () => {
      await expect(port.update([frontend("a", { endpoints: "12345" })], [])).rejects.toThrow(/endpoints/);
      expect(await keys()).toEqual([]);
    });

    it("takes changes one after another, and what is gone twice", async () => {
      await Promise.all([
        port.update([frontend("a"), frontend("b")], []),
        port.update([frontend("c")], [frontend("a").key]),
        port.update([], [frontend("a").key]),
      ]);
      expect((await keys()).sort()).toEqual(["b", "c"]);
    });

    it("is idle at first, and for good once it is closed", async () => {
      expect(await port.isIdle()).toBe(true);
      expect(await port.counts()).toMatchObject({
        connections: 0,
        flows: 0,
        overflows: 0n,
        strangers: 0n,
        shortages: 0n,
      });
      await port.close();
      await port.close();
      expect(await port.isIdle()).toBe(true);
      await expect(port.update([frontend("a")], [])).rejects.toMatchObject({ code: "NATIVE_CALL" });
      await expect(port.counts()).rejects.toMatchObject({ code: "NATIVE_CALL" });
      await expect(port.frontendCounts()).rejects.toMatchObject({ code: "NATIVE_CALL" });
    });
  });
}

/** On loopback, as the relay has them: address, port, two bytes that mean nothing. */
export function endpointBytes(port: number): string {
  return `\x7f\0\0\x01${String.fromCharCode(port >> 8, port & 255)}\0\0`;
}
