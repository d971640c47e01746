/** The Kubernetes DNS specification 1.1, section by section. */
import { beforeEach, describe, expect, it } from "vitest";
import { headless, lines, putService, putSlice, rcodeOf, slice, testDns, type TestDns } from "../../fixtures/dns.ts";
import { service } from "../../fixtures/service_objects.ts";

let dns: TestDns;
beforeEach(() => {
  dns = testDns();
  for (const name of ["ns", "kube-system"]) dns.index.setNamespace(name);
  putService(dns, service("web", { clusterIP: "10.96.0.20", clusterIPs: ["10.96.0.20", "fd00::20"] }));
  putSlice(dns, slice("web-1", "web", [{ ip: "10.244.0.9" }]));
  putService(dns, headless("db"));
  putSlice(dns, slice("db-1", "db", [{ ip: "10.244.0.1", hostname: "db-0" }, { ip: "10.244.0.2" }, down]));
  putSlice(dns, slice("db-2", "db", [{ ip: "10.244.0.2" }, { ip: "10.244.0.3", hostname: "DB-2" }]));
  putSlice(dns, slice("db-3", "db", [{ ip: "fd00:1::1", hostname: "db-0" }]));
  putService(dns, headless("empty"));
  putService(dns, headless("early", { publishNotReadyAddresses: true }));
  putSlice(dns, slice("early-1", "early", [{ ...down, ip: "10.244.0.50" }]));
  putService(dns, { ...service("kube-dns"), metadata: { ...service("kube-dns").metadata, namespace: "kube-system" } });
});

const down = { ip: "10.244.0.4", hostname: "db-3", ready: false };
const zone = "cluster.local";

const found: readonly (readonly [why: string, name: string, type: string, answers: readonly string[]])[] = [
  ["2.2 version", `dns-version.${zone}`, "TXT", [`dns-version.${zone} 5 TXT 1.1.0`]],
  ["2.3.1 A", `web.ns.svc.${zone}`, "A", [`web.ns.svc.${zone} 5 A 10.96.0.20`]],
  ["2.3.1 AAAA", `web.ns.svc.${zone}`, "AAAA", [`web.ns.svc.${zone} 5 AAAA fd00::20`]],
  [
    "2.3.2 SRV",
    `_http._tcp.web.ns.svc.${zone}`,
    "SRV",
    [`_http._tcp.web.ns.svc.${zone} 5 SRV 0 100 80 web.ns.svc.${zone}`],
  ],
  ["2.3.3 PTR", "20.0.96.10.in-addr.arpa", "PTR", [`20.0.96.10.in-addr.arpa 5 PTR web.ns.svc.${zone}`]],
  [
    "2.4.1 A of all that are ready, each once",
    `db.ns.svc.${zone}`,
    "A",
    ["10.244.0.1", "10.244.0.2", "10.244.0.3"].map((ip) => `db.ns.svc.${zone} 5 A ${ip}`),
  ],
  ["2.4.1 AAAA", `db.ns.svc.${zone}`, "AAAA", [`db.ns.svc.${zone} 5 AAAA fd00:1::1`]],
  ["2.4.1 hostname", `db-0.db.ns.svc.${zone}`, "A", [`db-0.db.ns.svc.${zone} 5 A 10.244.0.1`]],
  ["2.4.1 a label of its own", `10-244-0-2.db.ns.svc.${zone}`, "A", [`10-244-0-2.db.ns.svc.${zone} 5 A 10.244.0.2`]],
  ["2.4.1 publishNotReadyAddresses", `early.ns.svc.${zone}`, "A", [`early.ns.svc.${zone} 5 A 10.244.0.50`]],
  [
    "2.4.2 SRV",
    `_http._tcp.db.ns.svc.${zone}`,
    "SRV",
    ["10-244-0-2", "db-0", "db-2"].map(
      (host) => `_http._tcp.db.ns.svc.${zone} 5 SRV 0 33 8080 ${host}.db.ns.svc.${zone}`,
    ),
  ],
  ["2.4.3 PTR", "1.0.244.10.in-addr.arpa", "PTR", [`1.0.244.10.in-addr.arpa 5 PTR db-0.db.ns.svc.${zone}`]],
  [
    "2.4.3 PTR, IPv6",
    `1.0.0.0.${"0.".repeat(20)}1.0.0.0.0.0.d.f.ip6.arpa`,
    "PTR",
    [`1.0.0.0.${"0.".repeat(20)}1.0.0.0.0.0.d.f.ip6.arpa 5 PTR db-0.db.ns.svc.${zone}`],
  ],
  ["2.6 pod", `10-244-0-77.ns.pod.${zone}`, "A", [`10-244-0-77.ns.pod.${zone} 5 A 10.244.0.77`]],
  ["2.6 pod, IPv6", `fd00--77.ns.pod.${zone}`, "AAAA", [`fd00--77.ns.pod.${zone} 5 AAAA fd00::77`]],
  ["NS", zone, "NS", [`${zone} 5 NS ns.dns.${zone}`]],
  ["the server's address", `ns.dns.${zone}`, "A", [`ns.dns.${zone} 5 A 10.96.0.10`]],
];

const missing: readonly (readonly [name: string, type: string, rcode: string])[] = [
  [`web.ns.svc.${zone}`, "MX", "NOERROR"],
  [`early.ns.svc.${zone}`, "AAAA", "NOERROR"],
  [`ns.svc.${zone}`, "A", "NOERROR"],
  [`svc.${zone}`, "A", "NOERROR"],
  [zone, "A", "NOERROR"],
  [`10-244-0-77.ns.pod.${zone}`, "AAAA", "NOERROR"],
  [`nobody.ns.svc.${zone}`, "A", "NXDOMAIN"],
  [`empty.ns.svc.${zone}`, "A", "NXDOMAIN"],
  [`db-3.db.ns.svc.${zone}`, "A", "NXDOMAIN"],
  [`_https._tcp.web.ns.svc.${zone}`, "SRV", "NXDOMAIN"],
  [`nowhere.svc.${zone}`, "A", "NXDOMAIN"],
  [`10-244-0-77.nowhere.pod.${zone}`, "A", "NXDOMAIN"],
  [`10-244-0-777.ns.pod.${zone}`, "A", "NXDOMAIN"],
  // What a search list of ndots:5 makes of the names of others.
  [`example.com.ns.svc.${zone}`, "A", "NXDOMAIN"],
  [`example.com.svc.${zone}`, "A", "NXDOMAIN"],
  [`example.com.${zone}`, "A", "NXDOMAIN"],
  [`web.ns.svc.${zone}.ns.svc.${zone}`, "A", "NXDOMAIN"],
];

describe("the specification", () => {
  it.each(found)("%s: %s %s", async (_, name, type, answers) => {
    const reply = await dns.ask(name, type, { size: 1232 });
    expect(rcodeOf(reply)).toBe("NOERROR");
    expect(lines(reply.answers)).toEqual(answers);
    expect(reply.flag_aa).toBe(true);
  });

  it.each(missing)("%s %s: %s with the zone's SOA", async (name, type, rcode) => {
    const reply = await dns.ask(name, type);
    expect(rcodeOf(reply)).toBe(rcode);
    expect(reply.answers).toEqual([]);
    expect(reply.authorities).toMatchObject([
      { type: "SOA", name: zone, ttl: 5, data: { mname: `ns.dns.${zone}`, rname: `hostmaster.${zone}`, minimum: 5 } },
    ]);
  });

  it("gives the addresses of SRV's targets along, and each endpoint's once", async () => {
    const reply = await dns.ask(`_http._tcp.db.ns.svc.${zone}`, "SRV", { transport: "tcp" });
    expect(lines(reply.additionals)).toEqual([
      `10-244-0-2.db.ns.svc.${zone} 5 A 10.244.0.2`,
      `db-0.db.ns.svc.${zone} 5 A 10.244.0.1`,
      `db-0.db.ns.svc.${zone} 5 AAAA fd00:1::1`,
      `db-2.db.ns.svc.${zone} 5 A 10.244.0.3`,
    ]);
  });

  it("keeps the asker's case, and answers the same", async () => {
    const reply = await dns.ask("WeB.nS.sVc.ClUsTeR.LoCaL", "A");
    expect(reply.questions?.[0]?.name).toBe("WeB.nS.sVc.ClUsTeR.LoCaL");
    expect(lines(reply.answers)).toEqual(["WeB.nS.sVc.ClUsTeR.LoCaL 5 A 10.96.0.20"]);
  });
});

describe("a change", () => {
  it("is answered at once, also when a slice goes to another Service", async () => {
    const change = putSlice(dns, slice("empty-1", "empty", [{ ip: "10.244.1.1" }]));
    expect(lines((await dns.ask(`empty.ns.svc.${zone}`, "A")).answers)).toEqual([
      `empty.ns.svc.${zone} 5 A 10.244.1.1`,
    ]);
    change(slice("empty-1", "early", [{ ip: "10.244.1.2" }]));
    expect(rcodeOf(await dns.ask(`empty.ns.svc.${zone}`, "A"))).toBe("NXDOMAIN");
    expect((await dns.ask(`early.ns.svc.${zone}`, "A")).answers).toHaveLength(2);
    expect(rcodeOf(await dns.ask("1.1.244.10.in-addr.arpa", "PTR"))).toBe("REFUSED");
  });

  it("takes a Service's names and its address away with it", async () => {
    await dns.ask(`web.ns.svc.${zone}`, "A");
    dns.index.deleteService({ namespace: "ns", name: "web" });
    expect(rcodeOf(await dns.ask(`web.ns.svc.${zone}`, "A"))).toBe("NXDOMAIN");
    expect(rcodeOf(await dns.ask("20.0.96.10.in-addr.arpa", "PTR"))).toBe("REFUSED");
  });
});
