/** Names of others: asked of servers of the test's own, kept for as long as they hold. */
import dnsPacket, { type Packet } from "dns-packet";
import { afterEach, describe, expect, it } from "vitest";
import { Forwarder, type ForwarderOptions } from "../../../src/dns/forward/forwarder.ts";
import type { ForwardObserver } from "../../../src/dns/forward/observer.ts";
import { isTruncated, lines, putService, rcodeOf, testDns, type TestDns } from "../../fixtures/dns.ts";
import { startUpstream, type Answering, type TestUpstream } from "../../fixtures/dns_upstream.ts";
import { service } from "../../fixtures/service_objects.ts";

const silent: ForwardObserver = {
  cached: () => undefined,
  answered: () => undefined,
  failed: () => undefined,
  rejected: () => undefined,
};
const upstreams: TestUpstream[] = [];
afterEach(async () => {
  for (const upstream of upstreams.splice(0)) await upstream.close();
});

async function upstream(answering: Answering): Promise<TestUpstream> {
  const started = await startUpstream(answering);
  upstreams.push(started);
  return started;
}

let nowMs = 0;

function dnsWith(options: Partial<ForwarderOptions>): TestDns & { readonly forwarder: Forwarder } {
  const defaults = { upstreams: [], stubDomains: new Map(), cacheSeconds: 30, now: () => nowMs, observer: silent };
  const forwarder = new Forwarder({ ...defaults, ...options });
  return { ...testDns((query) => forwarder.resolve(query)), forwarder };
}

const address = (name: string, ttl = 60, data = "192.0.2.1"): Packet => ({ answers: [{ type: "A", name, ttl, data }] });
const soa = { mname: "ns.example", rname: "admin.example", serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 20 };
const denial = (): Packet => ({ flags: 3, authorities: [{ type: "SOA", name: "example", ttl: 900, data: soa }] });

describe("a name of others", () => {
  it("is asked for once, by all who want it at the same time, and then kept; its TTL goes down", async () => {
    const server = await upstream((name) => address(name));
    const dns = dnsWith({ upstreams: [server] });
    const replies = await Promise.all([1, 2, 3].map(() => dns.ask("one.example", "A")));
    for (const reply of replies) expect(lines(reply.answers)).toEqual(["one.example 60 A 192.0.2.1"]);
    nowMs += 10_000;
    expect(lines((await dns.ask("one.example", "A", { size: 1232 })).answers)).toEqual(["one.example 50 A 192.0.2.1"]);
    expect(server.asked).toHaveLength(1);
    // 30 s, whatever it said itself.
    nowMs += 20_000;
    await dns.ask("one.example", "A");
    expect(server.asked).toHaveLength(2);
  });

  it("that is not there is kept too, as long as its SOA says", async () => {
    const server = await upstream(denial);
    const dns = dnsWith({ upstreams: [server] });
    for (const sinceMs of [0, 19_000]) {
      nowMs += sinceMs;
      expect(rcodeOf(await dns.ask("no.example", "A"))).toBe("NXDOMAIN");
    }
    expect([server.asked.length, dns.forwarder.cached("denial")]).toEqual([1, 1]);
    nowMs += 1000;
    await dns.ask("no.example", "A");
    expect(server.asked).toHaveLength(2);
  });

  it("makes room for others: the cache is bounded", async () => {
    const server = await upstream((name) => address(name));
    const dns = dnsWith({ upstreams: [server], cacheCapacity: 3 });
    for (let i = 0; i < 5; i++) await dns.ask(`n${i}.example`, "A");
    expect(dns.forwarder.cached("success")).toBe(3);
    await dns.ask("n4.example", "A");
    await dns.ask("n0.example", "A");
    expect(server.asked).toHaveLength(6);
  });

  it("is asked for over TCP where the answer was cut, and cut anew for who asked over UDP", async () => {
    const many = Array.from({ length: 80 }, (_, i) => `192.0.2.${i}`);
    const server = await upstream((name, transport) =>
      transport === "udp"
        ? { flags: dnsPacket.TRUNCATED_RESPONSE }
        : { answers: many.map((data) => ({ type: "A", name, ttl: 60, data })) },
    );
    const dns = dnsWith({ upstreams: [server] });
    const short = await dns.ask("many.example", "A");
    expect([isTruncated(short), short.answers!.length > 5]).toEqual([true, true]);
    expect((await dns.ask("many.example", "A", { transport: "tcp" })).answers).toHaveLength(80);
    expect(server.asked).toEqual(["udp many.example", "tcp many.example"]);
  });

  it("goes to its stub domain's servers, the longest one's", async () => {
    const [all, corp, lab] = await Promise.all(
      ["1", "2", "3"].map((n) => upstream((name) => address(name, 60, `192.0.2.${n}`))),
    );
    const stubDomains = new Map([
      ["corp.example", [corp!]],
      ["lab.corp.example", [lab!]],
    ]);
    const dns = dnsWith({ upstreams: [all!], stubDomains });
    for (const [name, ip] of [
      ["x.example", "192.0.2.1"],
      ["notcorp.example", "192.0.2.1"],
      ["corp.example", "192.0.2.2"],
      ["a.b.corp.example", "192.0.2.2"],
      ["a.lab.corp.example", "192.0.2.3"],
    ] as const) {
      expect(lines((await dns.ask(name, "A")).answers)).toEqual([`${name} 60 A ${ip}`]);
    }
  });
});

describe("servers that fail", () => {
  it("SERVFAIL where none answers, REFUSED where there is none, and the next one where there is", async () => {
    const away = await upstream(() => undefined);
    const dead = { host: "127.0.0.1", port: 1 };
    const tryMs = 50;
    expect(rcodeOf(await dnsWith({ upstreams: [away], tryMs }).ask("a.example", "A"))).toBe("SERVFAIL");
    expect(away.asked).toHaveLength(2);
    expect(rcodeOf(await dnsWith({ upstreams: [dead], tryMs }).ask("a.example", "A"))).toBe("SERVFAIL");
    expect(rcodeOf(await dnsWith({}).ask("a.example", "A"))).toBe("REFUSED");
    const server = await upstream((name) => address(name));
    const dns = dnsWith({ upstreams: [dead, away, server], tryMs: 500 });
    expect(rcodeOf(await dns.ask("a.example", "A"))).toBe("NOERROR");
  });

  it("hold up no more questions than the bound", async () => {
    const away = await upstream(() => undefined);
    let rejects = 0;
    const observer = { ...silent, rejected: () => void rejects++ };
    const dns = dnsWith({ upstreams: [away], tryMs: 50, maxConcurrent: 2, observer });
    await Promise.all(["a", "b", "c", "a"].map((name) => dns.ask(`${name}.example`, "A").catch(() => undefined)));
    expect(rejects).toBe(1);
  });
});

describe("ExternalName", () => {
  it("is an alias, with what it leads to", async () => {
    const server = await upstream((name) => address(name));
    const dns = dnsWith({ upstreams: [server] });
    putService(dns, service("ext", { type: "ExternalName", externalName: "Far.example." }));
    putService(dns, service("web", { clusterIP: "10.96.0.20", clusterIPs: ["10.96.0.20"] }));
    putService(dns, service("near", { type: "ExternalName", externalName: "web.ns.svc.cluster.local" }));
    const zone = "ns.svc.cluster.local";
    expect(lines((await dns.ask(`ext.${zone}`, "A")).answers)).toEqual([
      `ext.${zone} 5 CNAME far.example`,
      "far.example 60 A 192.0.2.1",
    ]);
    expect(lines((await dns.ask(`near.${zone}`, "A")).answers)).toEqual([
      `near.${zone} 5 CNAME web.${zone}`,
      `web.${zone} 5 A 10.96.0.20`,
    ]);
    expect(lines((await dns.ask(`ext.${zone}`, "CNAME")).answers)).toEqual([`ext.${zone} 5 CNAME far.example`]);
  });

  it("that names itself ends", async () => {
    const dns = dnsWith({});
    putService(dns, service("me", { type: "ExternalName", externalName: "me.ns.svc.cluster.local" }));
    expect((await dns.ask("me.ns.svc.cluster.local", "A")).answers).toHaveLength(8);
  });
});
