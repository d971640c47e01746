/** The tracer itself: what it says, and that it never guesses. */
import { describe, expect, it } from "vitest";
import { FakeNftables } from "../../../src/kernel/fake/nftables.ts";
import { part, register } from "../../../src/kernel/netlink/nftables/data.ts";
import type { Expression } from "../../../src/kernel/netlink/nftables/expressions/index.ts";
import type { NftTable } from "../../../src/kernel/netlink/nftables/state.ts";
import { parseIp } from "../../../src/model/address.ts";
import type { EndpointSlice, Service } from "../../../src/model/kubernetes.ts";
import { explain } from "../../../src/observe/trace/explain.ts";
import { namesFor } from "../../../src/observe/trace/names.ts";
import { tracePacket, type TracedPacket } from "../../../src/observe/trace/nftables.ts";
import { NftablesTable } from "../../../src/proxy/apply/nftables.ts";
import { tableOf } from "../../../src/proxy/modes/nftables/plan.ts";
import { endpoint, endpoints, rulesetOf, servicePort, wanted } from "../../fixtures/proxied.ts";

const packet: TracedPacket = {
  family: "IPv4",
  protocol: 6,
  source: parseIp("192.0.2.100")!,
  destination: parseIp("10.96.0.1")!,
  sourcePort: 40_000,
  destinationPort: 80,
  inInterface: "eth0",
};
const node = { isLocal: () => false };

async function tableWith(...ports: readonly [string, ReturnType<typeof wanted>][]): Promise<NftTable> {
  const kernel = new FakeNftables();
  const ruleset = rulesetOf();
  for (const [name, port] of ports) ruleset.set(name, port);
  await new NftablesTable(kernel, ruleset).repair();
  return (await kernel.list(tableOf({ family: "IPv4" })))!;
}

/** A table of one rule at prerouting. */
function ruleOf(...expressions: readonly Expression[]): NftTable {
  const base = { type: "filter", hook: "prerouting", priority: 0 } as const;
  const chains = [{ name: "only", base, rules: [{ expressions }] }];
  return { family: "ip", name: "t", handle: 1, generation: 1, chains, sets: [], objects: [], flowtables: [] };
}

describe("a trace", () => {
  it("says what a packet meets, in words", async () => {
    const table = await tableWith(["a", wanted(servicePort(1), endpoints(2))]);
    expect(explain(tracePacket(table, packet, node))).toEqual([
      "prerouting: chain prerouting",
      "  frontends has 10.96.0.1 tcp 80: goto cluster-2-masquerade-off-cluster",
      "  goto cluster-2-masquerade-off-cluster",
      "  mark 0x4000",
      "in 50 % of connections",
      "    number 0 of 2 is drawn",
      "    endpoints has 10.96.0.1 tcp 80 0: 10.245.0.0 8080",
      "    destination becomes 10.245.0.0 port 8080",
      ...behindRoute("10.245.0.0"),
      "  => goes to 10.245.0.0 port 8080, with this node's source address",
      "in 50 % of connections",
      "    number 1 of 2 is drawn",
      "    endpoints has 10.96.0.1 tcp 80 1: 10.245.0.1 8080",
      "    destination becomes 10.245.0.1 port 8080",
      ...behindRoute("10.245.0.1"),
      "  => goes to 10.245.0.1 port 8080, with this node's source address",
    ]);
  });

  function behindRoute(backend: string): readonly string[] {
    return [
      "  postrouting: chain postrouting",
      `    hairpins has no 192.0.2.100 ${backend}`,
      "    goto masquerade",
      "    mark 0x0",
      "    source becomes this node's address",
    ];
  }

  it("leaves what this node has at a cluster IP to those who listen there", async () => {
    const table = await tableWith(["a", wanted(servicePort(1), endpoints(1))]);
    const { inInterface: _, ...own } = { ...packet, destinationPort: 9253 };
    const verdicts = (isLocal: boolean, traced: TracedPacket): readonly string[] =>
      tracePacket(table, traced, { isLocal: () => isLocal }).map(({ verdict }) => verdict);
    expect(verdicts(false, { ...own, inInterface: "eth0" })).toEqual(["rejected"]);
    expect(verdicts(true, { ...own, inInterface: "eth0" })).toEqual(["accepted"]);
    expect(verdicts(true, own)).toEqual(["rejected"]);
  });

  it("says why nobody answers", async () => {
    const table = await tableWith(["a", wanted(servicePort(1), [])]);
    const text = (changes: Partial<TracedPacket>): string | undefined =>
      explain(tracePacket(table, { ...packet, ...changes }, node)).at(-1);
    expect(text({})).toBe("=> rejected");
    expect(text({ destination: parseIp("10.96.9.9")! })).toBe("=> dropped");
    expect(text({ destination: parseIp("203.0.113.9")! })).toBe("=> goes on to 203.0.113.9 port 80, no Service's");
  });

  it("knows what affinity has learnt", async () => {
    const port = servicePort(1, { affinitySeconds: 60 });
    const table = await tableWith(["a", wanted(port, [endpoint("10.244.1.1"), endpoint("10.244.1.2")])]);
    expect(tracePacket(table, packet, node)).toHaveLength(2);
    const places = table.sets.find(({ name }) => name === "affine-endpoints")!;
    const frontend = [part.address("10.96.0.1"), Uint8Array.of(6, 0, 0, 0), Uint8Array.of(0, 80, 0, 0)];
    const key = Buffer.concat([part.address("192.0.2.100"), ...frontend]);
    const learned = { key, data: places.elements[1]!.data! };
    const sets = table.sets.map((set) => (set.name === "affinity" ? { ...set, elements: [learned] } : set));
    const outcomes = tracePacket({ ...table, sets }, packet, node);
    expect(outcomes).toMatchObject([{ probability: 1, translated: true }]);
    expect(outcomes[0]!.steps).toContainEqual(expect.objectContaining({ step: "remember", set: "affinity" }));
  });

  it("draws each of 2,000 backends alike", async () => {
    const table = await tableWith(["a", wanted(servicePort(1), endpoints(2000))]);
    const outcomes = tracePacket(table, packet, node);
    expect(new Set(outcomes.map(({ destination }) => destination.address)).size).toBe(2000);
    for (const { probability } of outcomes) expect(probability).toBe(1 / 2000);
  });
});

describe("what a trace does not know is an error", () => {
  const known: Expression = { expr: "counter" };
  it.each<[string, Expression]>([
    ["an expression", { expr: "limit", rate: 1n, unit: 1n } as never],
    ["one without a codec", { expr: "other", name: "new" } as never],
    ["a header's field", { expr: "payload", base: "network", offset: 1, len: 1, dreg: register(0) }],
    ["a link-layer header", { expr: "payload", base: "link", offset: 0, len: 6, dreg: register(0) }],
    ["a key of meta", { expr: "meta", key: "skuid", dreg: register(0) }],
    ["a key of ct", { expr: "ct", key: "mark", dreg: register(0) }],
    ["a comparison", { expr: "cmp", sreg: register(0), op: "lt", data: part.host32(1) }],
    ["a set that is not there", { expr: "lookup", set: "nowhere", sreg: register(0) }],
    [
      "a chain that is not there",
      { expr: "immediate", dreg: 0, data: { verdict: { code: "jump", chain: "nowhere" } } },
    ],
    ["a translation of the source", { expr: "nat", type: "snat", family: "ip", regAddrMin: register(0) }],
    ["a verdict", { expr: "immediate", dreg: 0, data: { verdict: { code: "queue" } } }],
  ])("%s", (_, expression) => {
    expect(tracePacket(ruleOf(known), packet, node)).toHaveLength(1);
    expect(() => tracePacket(ruleOf(known, expression), packet, node)).toThrow(/TRACE|cannot follow the packet/);
  });

  it("a ring of jumps", () => {
    const goAround: Expression = { expr: "immediate", dreg: 0, data: { verdict: { code: "goto", chain: "only" } } };
    expect(() => tracePacket(ruleOf(goAround), packet, node)).toThrow(/too many/);
  });
});

describe("names", () => {
  const service = (name: string, spec: object): Service =>
    ({ metadata: { namespace: "default", name }, spec }) as unknown as Service;
  const slice = (name: string, pods: Readonly<Record<string, string>>): EndpointSlice =>
    ({
      metadata: { namespace: "default", labels: { "kubernetes.io/service-name": name } },
      endpoints: Object.entries(pods).map(([ip, pod]) => ({
        addresses: [ip],
        targetRef: { kind: "Pod", namespace: "default", name: pod },
      })),
    }) as unknown as EndpointSlice;
  const services = [
    service("other", { clusterIPs: ["10.96.0.1"], ports: [{ port: 80, protocol: "UDP" }] }),
    service("web", { clusterIPs: ["10.96.0.1"], ports: [{ name: "http", port: 80, nodePort: 30_080 }] }),
  ];
  const slices = [slice("web", { "10.245.0.0": "web-1" }), slice("other", { "10.245.0.1": "other-1" })];

  it("are those of the Service whose address, port and protocol it is, and of its pods alone", async () => {
    const names = namesFor(packet, node, services, slices);
    expect(names).toEqual({ service: "default/web:http", endpoints: new Map([["10.245.0.0", "pod default/web-1"]]) });
    const table = await tableWith(["a", wanted(servicePort(1), endpoints(1))]);
    expect(explain(tracePacket(table, packet, node), names).at(-1)).toBe(
      "=> goes to 10.245.0.0 port 8080 (pod default/web-1), with this node's source address",
    );
  });

  it("are told by node ports too, at this node's addresses", () => {
    const toNode = { ...packet, destination: parseIp("192.0.2.1")!, destinationPort: 30_080 };
    expect(namesFor(toNode, { isLocal: () => true }, services, slices).service).toBe("default/web:http");
    expect(namesFor(toNode, node, services, slices).service).toBeUndefined();
  });
});
