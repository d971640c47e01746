/** Bytes: whatever comes is answered in form or not at all; what is sent fits, and is what dns-packet reads. */
import dnsPacket from "dns-packet";
import { beforeEach, describe, expect, it } from "vitest";
import { decodeAnswer, decodeAddress, decodeResolvConf } from "../../../src/dns/forward/decode.ts";
import { decodeQuery } from "../../../src/dns/wire/decode.ts";
import {
  headless,
  isTruncated,
  lines,
  putService,
  putSlice,
  question,
  rcodeOf,
  slice,
  testDns,
} from "../../fixtures/dns.ts";
import type { TestDns } from "../../fixtures/dns.ts";
import fc from "../../fixtures/property.ts";

let dns: TestDns;
beforeEach(() => {
  dns = testDns();
  dns.index.setNamespace("ns");
  putService(dns, headless("big"));
  const endpoints = Array.from({ length: 100 }, (_, i) => ({ ip: `10.1.0.${i}`, hostname: `big-${i}` }));
  putSlice(dns, slice("big-1", "big", endpoints));
});

const big = "big.ns.svc.cluster.local";

describe("length", () => {
  it.each([
    [undefined, 512],
    [100, 512],
    [800, 800],
    [4096, 1232],
  ])("with EDNS of %s, UDP answers stay within %s bytes and say that they are cut", async (size, most) => {
    const bytes = await dns.send(question(big, "A", size));
    expect(bytes.length).toBeLessThanOrEqual(most);
    expect(bytes.length).toBeGreaterThan(most - 32);
    const reply = dnsPacket.decode(bytes);
    expect(isTruncated(reply)).toBe(true);
    expect(new Set(lines(reply.answers)).size).toBe(reply.answers!.length);
    expect(reply.additionals).toHaveLength(size === undefined ? 0 : 1);
  });

  it("TCP answers are whole", async () => {
    const reply = await dns.ask(big, "A", { transport: "tcp" });
    expect(isTruncated(reply)).toBe(false);
    expect(new Set(lines(reply.answers)).size).toBe(100);
    const srv = await dns.ask(`_http._tcp.${big}`, "SRV", { transport: "tcp" });
    expect([srv.answers?.length, srv.additionals?.length]).toEqual([100, 100]);
  });

  it("all answers take turns at the front", async () => {
    const fronts = new Set<string>();
    for (let i = 0; i < 100; i++) fronts.add(lines((await dns.ask(big, "A")).answers!.slice(0, 1))[0]!);
    expect(fronts.size).toBe(100);
  });
});

describe("what is not answered with records", () => {
  const edit = (bytes: Buffer, change: (bytes: Buffer) => unknown): Buffer => {
    change(bytes);
    return bytes;
  };
  it.each([
    ["two questions", (b: Buffer): unknown => b.writeUInt16BE(2, 4), "FORMERR"],
    ["no question", (b: Buffer): unknown => b.writeUInt16BE(0, 4), "FORMERR"],
    ["a record that is not there", (b: Buffer): unknown => b.writeUInt16BE(2, 10), "FORMERR"],
    ["a pointer in the question", (b: Buffer): unknown => (b[12] = 0xc0), "FORMERR"],
    ["another opcode", (b: Buffer): unknown => (b[2] = 5 << 3), "NOTIMP"],
    ["another class", (b: Buffer): unknown => b.writeUInt16BE(3, 12 + big.length + 4), "REFUSED"],
    ["a zone transfer", (b: Buffer): unknown => b.writeUInt16BE(252, 12 + big.length + 2), "REFUSED"],
  ] as const)("%s", async (_, change, rcode) => {
    const reply = dnsPacket.decode(await dns.send(edit(question(big, "A", 1232), change)));
    expect(rcodeOf(reply)).toBe(rcode);
    expect(reply.id).toBe(4711);
  });

  it("another version of EDNS: BADVERS, whose bits are in OPT", async () => {
    const bytes = question(big, "A", 1232);
    bytes[bytes.length - 5] = 1;
    const reply = dnsPacket.decode(await dns.send(bytes));
    expect(reply.additionals).toMatchObject([{ type: "OPT", extendedRcode: 1 }]);
    expect(reply.answers).toEqual([]);
  });

  it("answers and what has no header: silence", async () => {
    const answered = await dns.send(question(big, "A"));
    expect(dns.isSilent(answered)).toBe(true);
    expect(dns.isSilent(Buffer.alloc(11))).toBe(true);
    expect(dns.isSilent(question(big, "A"))).toBe(false);
  });
});

describe("any bytes", () => {
  it("never throw, and get an answer that is well-formed and of the same identity, or none", async () => {
    const valid = question(big, "A", 1232);
    const damaged = fc
      .array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
      .map((changes) => changes.reduce((bytes, [at, value]) => ((bytes[at] = value), bytes), Buffer.from(valid)));
    const cut = fc.nat(valid.length).map((end) => valid.subarray(0, end));
    const any = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));
    await fc.assert(
      fc.asyncProperty(fc.oneof(damaged, cut, any), async (bytes) => {
        const isAnswered = bytes.length >= 12 && (bytes[2]! & 0x80) === 0;
        const reply = isAnswered ? await dns.send(bytes) : undefined;
        expect(reply !== undefined).toBe(isAnswered);
        if (!reply) {
          expect(decodeQuery(bytes)).toBeUndefined();
          return;
        }
        expect(reply.subarray(0, 2)).toEqual(bytes.subarray(0, 2));
        expect(reply.length).toBeLessThanOrEqual(1232);
        dnsPacket.decode(reply);
      }),
      { numRuns: 2000 },
    );
  });

  it("are no answer to a question of ours, or one that is whole", () => {
    const asked = decodeQuery(question("example.com", "A"));
    if (!asked || "malformed" in asked) throw new Error("the question is well-formed");
    const reply = dnsPacket.encode({
      type: "response",
      id: 7,
      questions: [{ type: "A", name: "Example.com" }],
      answers: [{ type: "A", name: "Example.com", ttl: 60, data: "192.0.2.1" }],
    });
    expect(decodeAnswer(reply, 7, asked)).toMatchObject({ ttl: 60, isTruncated: false, body: { counts: [1, 0, 0] } });
    expect(decodeAnswer(reply, 8, asked)).toBeUndefined();
    fc.assert(
      fc.property(fc.nat(reply.length - 1), fc.nat(255), fc.nat(reply.length), (at, value, end) => {
        const bytes = Buffer.from(reply.subarray(0, end));
        if (at < end) bytes[at] = value;
        const read = decodeAnswer(bytes, 7, asked);
        // Cut and otherwise whole, its one record is not there.
        if (end < reply.length) expect(decodeAnswer(reply.subarray(0, end), 7, asked)).toBeUndefined();
        for (const place of read?.ttlPlaces ?? []) expect(place + 4).toBeLessThanOrEqual(read!.body.records.length);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("a name", () => {
  it("of any labels comes back as it was", async () => {
    const label = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/);
    await fc.assert(
      fc.asyncProperty(fc.array(label, { minLength: 1, maxLength: 6 }), async (labels) => {
        const name = `${labels.join(".")}.cluster.local`;
        const reply = await dns.ask(name, "A");
        expect(reply.questions?.[0]?.name).toBe(name);
        expect(["NOERROR", "NXDOMAIN"]).toContain(rcodeOf(reply));
        expect(reply.authorities?.[0]?.name.toLowerCase()).toBe("cluster.local");
      }),
    );
  });

  it("with a dot in a label is not the name without", async () => {
    const bytes = question("xxx.cluster.local", "A");
    // "\11xxx.cluster\5local"
    bytes[12] = 11;
    bytes[16] = 0x2e;
    expect(rcodeOf(dnsPacket.decode(await dns.send(bytes)))).toBe("REFUSED");
  });
});

describe("resolv.conf and addresses", () => {
  it("gives its servers", () => {
    const text = "# nameserver 9.9.9.9\nsearch a b\nnameserver 1.1.1.1\n nameserver\t2001:db8::1\nnameserver x\n";
    expect(decodeResolvConf(text).map(({ host }) => host)).toEqual(["1.1.1.1", "2001:db8::1"]);
  });
  it.each([
    ["1.2.3.4", "1.2.3.4", 53],
    ["1.2.3.4:5353", "1.2.3.4", 5353],
    ["[::1]:5353", "::1", 5353],
    ["::1", "::1", 53],
  ])("%s", (text, host, port) => expect(decodeAddress(text)).toEqual({ host, port }));
  it.each(["", "name", "1.2.3.4:0", "1.2.3.4:70000", "1.2.3:53"])("not %s", (text) => {
    expect(decodeAddress(text)).toBeUndefined();
  });
});
