/** What is done to a pod's link, from what is there and what should be. */
import { describe, expect, it } from "vitest";
import type { Route } from "../../../../src/kernel/netlink/rtnetlink/route.ts";
import type { IpAddress, MacAddress } from "../../../../src/model/address.ts";
import { decodeAlias, renderAlias } from "../../../../src/network/links/alias.ts";
import type { PodLink } from "../../../../src/network/links/link.ts";
import { hostLinkName, linkLocal } from "../../../../src/network/links/names.ts";
import {
  planLink,
  planNewLink,
  planNoLink,
  type LinkStep,
  type ObservedEnd,
} from "../../../../src/network/links/plan.ts";
import { renderHostEnd, renderLimit, renderPodEnd, type EndChange } from "../../../../src/network/links/render.ts";
import {
  planSources,
  planTunnelEnds,
  renderSources,
  type SourceElement,
  type Tunnels,
} from "../../../../src/network/links/sources.ts";
import type { NftTable } from "../../../../src/kernel/netlink/nftables/state.ts";

const ip = (text: string) => text as IpAddress;
const v4 = { family: "IPv4", address: ip("10.1.0.7"), subnetLength: 24, gateway: ip("10.1.0.1") } as const;
const v6 = { family: "IPv6", address: ip("fd01::7"), subnetLength: 64, gateway: ip("fd01::1") } as const;

function podLink(changes: Partial<PodLink> = {}): PodLink {
  return {
    mode: "routed",
    bridge: "",
    hostLink: "flp0123456789ab",
    alias: "",
    ifName: "eth0",
    mac: "02:00:00:00:00:07" as MacAddress,
    mtu: 1450,
    addresses: [v4, v6],
    routes: [
      { destination: ip("0.0.0.0"), prefixLength: 0 },
      { destination: ip("::"), prefixLength: 0 },
    ],
    ingress: { rate: 0, burst: 0 },
    egress: { rate: 0, burst: 0 },
    ...changes,
  };
}

/** A change in a line: what it is about, without the end that it is of. */
function line({ verb, object, value }: EndChange): string {
  const { index: _, outInterface: __, ...rest } = value as unknown as Record<string, unknown>;
  const plain = (_: string, one: unknown): unknown => (typeof one === "bigint" ? Number(one) : one);
  return `${verb} ${object} ${JSON.stringify(rest, plain)}`;
}

/** An end that has what changes ask for. */
function endWith(changes: readonly EndChange[]): ObservedEnd {
  const of = (object: EndChange["object"]): never[] =>
    changes.filter((change) => change.object === object).map(({ value }) => value as never);
  const link = of("link").reduce<object>((all, value: object) => ({ ...all, ...value }), {});
  return {
    link: { name: "any", flags: [], info: { slave: { kind: "bridge", hairpin: true } }, ...link } as never,
    addresses: of("address"),
    routes: of("route").map((route) => ({ ...(route as Route) })),
    neighbors: of("neighbor"),
    qdiscs: of("qdisc"),
  };
}

describe("ADD", () => {
  it("makes the pair, then both ends, then waits", () => {
    expect(planNewLink(podLink()).map(({ step }) => step)).toEqual([
      "add pair",
      "admit sources",
      "change pod end",
      "change host end",
      "await link",
    ]);
  });

  it("of a routed pod needs no ARP and no neighbour discovery, on either end", () => {
    expect(renderHostEnd(podLink({ addresses: [v4] })).map(line)).toEqual([
      'change link {"flags":["up"],"change":["up"]}',
      'add address {"prefixLength":32,"local":"169.254.1.1","scope":"host"}',
      'replace neighbor {"destination":"10.1.0.7","linkAddress":"02:00:00:00:00:07","state":"permanent"}',
      'add route {"family":"ip","destinationPrefixLength":32,"destination":"10.1.0.7"}',
    ]);
    const routes = [{ destination: ip("0.0.0.0"), prefixLength: 0 }];
    expect(renderPodEnd(podLink({ addresses: [v4], routes })).map(line)).toEqual([
      'change link {"flags":["up"],"change":["up"]}',
      'add address {"prefixLength":32,"local":"10.1.0.7"}',
      'replace neighbor {"destination":"169.254.1.1","linkAddress":"02:66:6c:70:00:01","state":"permanent"}',
      'add route {"family":"ip","destinationPrefixLength":32,"destination":"169.254.1.1"}',
      'add route {"family":"ip","destinationPrefixLength":0,"gateway":"169.254.1.1"}',
    ]);
  });

  it("adds IPv6 addresses without detection of duplicates", () => {
    const added = renderPodEnd(podLink({ addresses: [v6] })).filter(({ object }) => object === "address");
    expect(added.map(line)).toEqual([
      'add address {"prefixLength":64,"address":"fe80::ff:fe00:7","flags":["noDad"]}',
      'add address {"prefixLength":128,"address":"fd01::7","flags":["noDad"]}',
    ]);
  });

  it("of a bridged pod gives it its subnet's prefix and gateway, and lets it reach itself", () => {
    const link = podLink({ mode: "bridge", bridge: "cni0", addresses: [v4] });
    expect(renderHostEnd(link).map(line)).toContain('change link {"info":{"slave":{"kind":"bridge","hairpin":true}}}');
    expect(renderPodEnd(link).map(line)).toContain('add address {"prefixLength":24,"local":"10.1.0.7"}');
    expect(renderPodEnd(link).map(line)).toContain(
      'add route {"family":"ip","destinationPrefixLength":0,"gateway":"10.1.0.1"}',
    );
  });
});

it("DEL is the same whatever is there", () => {
  expect(planNoLink(podLink()).map(({ step }) => step)).toEqual(["delete link", "refuse sources"]);
});

describe("CHECK", () => {
  const link = podLink({ ingress: { rate: 8_000_000, burst: 80_000 } });
  const host = renderHostEnd(link);
  const pod = renderPodEnd(link);

  it("finds nothing to do where everything is there", () => {
    expect(planLink({ host: endWith(host), pod: endWith(pod) }, link)).toEqual([]);
  });

  it.each([...host, ...pod].filter(({ object }) => object !== "link").map((change) => [line(change), change] as const))(
    "misses: %s",
    (_, missing) => {
      const without = (changes: readonly EndChange[]) => endWith(changes.filter((change) => change !== missing));
      const steps = planLink({ host: without(host), pod: without(pod) }, link);
      expect(steps.flatMap((step) => ("changes" in step ? step.changes : []))).toEqual([missing]);
    },
  );

  it("misses a link that is down, or gone", () => {
    const down = endWith(pod);
    const observed = { host: endWith(host), pod: { ...down, link: { ...down.link, flags: [] } } };
    expect(planLink(observed, link)).toMatchObject([{ step: "change pod end", changes: [{ object: "link" }] }]);
    const gone: LinkStep[] = [{ step: "add pair", link }];
    expect(planLink({ host: undefined, pod: endWith(pod) }, link)).toEqual(gone);
    expect(planLink({ host: endWith(host), pod: undefined }, link)).toEqual(gone);
  });

  it("leaves an end alone at which nobody looked", () => {
    expect(planLink({ host: endWith([]), pod: "unseen" }, link).map(({ step }) => step)).toEqual(["change host end"]);
  });
});

describe("a rate", () => {
  it("is a token bucket of bytes, whose bucket holds a packet at least", () => {
    const [limit] = renderLimit({ rate: 8_000_000, burst: 800_000 }, 1450);
    expect(limit).toMatchObject({ object: "qdisc", value: { kind: "tbf", rate64: 1_000_000n, burst: 100_000 } });
    expect(renderLimit({ rate: 8000, burst: 8 }, 1450)).toMatchObject([{ value: { burst: 1464 } }]);
    expect(renderLimit({ rate: 0, burst: 5 }, 1450)).toEqual([]);
  });

  it("beyond what fields hold is the most that they hold", () => {
    const [limit] = renderLimit({ rate: 1e12, burst: 1e12 }, 1450);
    expect(limit).toMatchObject({ value: { rate64: 125_000_000_000n, burst: 0xffffffff } });
  });
});

describe("sources", () => {
  const wanted = renderSources(podLink());
  const table = (elements: readonly string[], tunnels?: Tunnels, ends: readonly SourceElement[] = []): NftTable => {
    const steps = planSources("inet", undefined, [], tunnels);
    const chains = steps.flatMap((step) => (step.step === "add chain" ? [step.chain] : []));
    const rulesOf = (name: string) =>
      steps.flatMap((step) => (step.step === "add rule" && step.chain === name ? [step.rule] : []));
    const sets = steps.flatMap((step) => (step.step === "add set" ? [step.set] : []));
    const [first] = steps;
    return {
      family: "inet",
      name: "fairlead-pods",
      handle: 1,
      generation: 1,
      ...(first?.step === "add table" ? { userdata: first.userdata! } : {}),
      chains: chains.map((chain) => ({ ...chain, rules: rulesOf(chain.name) })),
      sets: sets.map((set) => ({
        ...set,
        elements: [...wanted.filter(({ key }) => elements.includes(key)), ...ends]
          .filter((element) => element.set === set.name)
          .map(({ key }) => ({ key: Buffer.from(key, "hex") })),
      })),
      objects: [],
      flowtables: [],
    };
  };
  const keys = wanted.map(({ key }) => key);

  it("are the pod's addresses, and the link-local one", () => {
    expect(wanted.map(({ set }) => set)).toEqual(["sources4", "sources6", "sources6"]);
    expect(keys[0]).toBe(`${Buffer.from("flp0123456789ab").toString("hex")}0002000000000700000a010007`);
  });

  it("that are as they should be are left alone; others come and go one by one", () => {
    expect(planSources("inet", table(keys), wanted)).toEqual([]);
    expect(planSources("inet", table(keys.slice(1)), wanted)).toMatchObject([
      { step: "add elements", set: "sources4", elements: [{ key: Buffer.from(keys[0]!, "hex") }] },
    ]);
    expect(planSources("inet", table(keys), wanted.slice(1))).toMatchObject([
      { step: "delete elements", set: "sources4", elements: [{}] },
    ]);
  });

  it("know where tunnels end, and leave what is there as long as they do not", () => {
    const [one, two] = [ip("172.18.0.1"), ip("172.18.0.2")];
    const made = planSources("inet", undefined, [], { port: 8472, ends: [one, ip("fd00::1")] });
    expect(made.slice(-2)).toMatchObject([
      { step: "add elements", set: "tunnels4", elements: [{ key: Buffer.from("ac120001", "hex") }] },
      { step: "add elements", set: "tunnels6", elements: [{ key: Buffer.from(`fd00${"0".repeat(27)}1`, "hex") }] },
    ]);
    const ends = [{ set: "tunnels4", key: "ac120001" }];
    const there = table(keys, { port: 8472 }, ends);
    expect(planSources("inet", there, wanted, { port: 8472 })).toEqual([]);
    expect(planSources("inet", there, wanted, { port: 8472, ends: [one] })).toEqual([]);
    expect(planSources("inet", there, wanted, { port: 8472, ends: [two] })).toMatchObject([
      { step: "delete elements", set: "tunnels4", elements: [{ key: Buffer.from("ac120001", "hex") }] },
      { step: "add elements", set: "tunnels4", elements: [{ key: Buffer.from("ac120002", "hex") }] },
    ]);
    expect(planTunnelEnds(there, [two])).toEqual({ gone: ends, come: [{ set: "tunnels4", key: "ac120002" }] });
  });

  it("of a table that somebody changed are made anew with it, in one transaction", () => {
    const whole = table(keys);
    const changed = { ...whole, chains: whole.chains.map((chain) => ({ ...chain, rules: chain.rules.slice(1) })) };
    const steps = planSources("inet", changed, wanted).map(({ step }) => step);
    expect(steps[0]).toBe("delete table");
    expect(steps.filter((step) => step === "add elements")).toHaveLength(2);
  });
});

describe("names", () => {
  const owner = { network: "net", containerId: "c".repeat(64), ifName: "eth0" };

  it("of links tell attachments apart, and fit the kernel", () => {
    const names = [owner, { ...owner, network: "net2" }, { ...owner, ifName: "eth1" }].map(hostLinkName);
    expect(new Set(names).size).toBe(3);
    expect(names[0]).toMatch(/^flp[0-9a-f]{12}$/);
  });

  it("of link-local addresses are the kernel's", () => {
    expect(linkLocal("02:4f:0e:a0:e8:21" as MacAddress)).toBe("fe80::4f:eff:fea0:e821");
  });

  it("in an alias say whose the link is; one that does not fit says nothing, nor does another's", () => {
    const link = podLink();
    expect(decodeAlias(renderAlias(owner, link))).toEqual({
      owner,
      link: { mode: "routed", bridge: "", mac: link.mac, addresses: link.addresses },
    });
    expect(renderAlias({ ...owner, containerId: "c".repeat(255) }, link)).toBe("");
    for (const text of ["", "uplink", "fairlead", "fairlead a b c - m x/y,z"]) {
      expect(decodeAlias(text)).toBeUndefined();
    }
  });
});
