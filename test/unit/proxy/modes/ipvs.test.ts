/** The ipvs mode: kube-proxy's names, what a change writes, how destinations end, and its section of the configuration. */
import { describe, expect, it } from "vitest";
import { kubeProxyConfiguration } from "../../../../src/config/kube_proxy.ts";
import { FakeIpvs } from "../../../../src/kernel/fake/ipvs.ts";
import { FakeSysctl } from "../../../../src/kernel/fake/sysctl.ts";
import type { IpvsDestinationKey, IpvsService } from "../../../../src/kernel/netlink/ipvs/service.ts";
import type { IpAddress } from "../../../../src/model/address.ts";
import { ipvsMode } from "../../../../src/proxy/agent/ipvs_mode.ts";
import { IpvsServers } from "../../../../src/proxy/apply/ipvs.ts";
import { applyIpvsSettings, checkScheduler, ipvsSettings } from "../../../../src/proxy/apply/ipvs_settings.ts";
import { openServiceAddresses, removeServiceAddresses } from "../../../../src/proxy/apply/service_addresses.ts";
import { deriveService } from "../../../../src/proxy/derive/derive.ts";
import type { Problem } from "../../../../src/proxy/derive/problems.ts";
import { setName } from "../../../../src/proxy/modes/ipvs/names.ts";
import type { IpvsOptions } from "../../../../src/proxy/modes/ipvs/options.ts";
import { Ruleset } from "../../../../src/proxy/modes/ipvs/ruleset.ts";
import { FakeClock } from "../../../fixtures/fake_clock.ts";
import { FakeIpvsPorts, ipvsState } from "../../../fixtures/fake_ipvs_ports.ts";
import { flowDeriveOptions } from "../../../fixtures/flow_options.ts";
import { ipvsOptions } from "../../../fixtures/ipvs_options.ts";
import { endpoint, endpoints, servicePort, wanted } from "../../../fixtures/proxied.ts";
import { serviceOf, sliceOf } from "../../../trace/flows.ts";
import { scenarios } from "../../../trace/scenarios.ts";

const ip = (text: string): IpAddress => text as IpAddress;

it("names the sets of IPv6 as kube-proxy does", () => {
  expect(setName("KUBE-CLUSTER-IP", "IPv6")).toBe("KUBE-6-CLUSTER-IP");
  expect(setName("KUBE-LOAD-BALANCER-SOURCE-CIDR", "IPv6")).toBe("KUBE-6-LOAD-BALANCER-SOURCE-CID");
  expect(setName("KUBE-NODE-PORT-LOCAL-SCTP-HASH", "IPv6")).toBe("KUBE-6-NODE-PORT-LOCAL-SCTP-HAS");
});

async function serversOf(count: number, options: Partial<IpvsOptions> = {}) {
  const ports = await FakeIpvsPorts.create();
  const ruleset = new Ruleset({ ...ipvsOptions("IPv4"), ...options });
  const set = (i: number, of: number): void =>
    ruleset.set(`default/service-${i}/TCP`, wanted(servicePort(i), endpoints(of, i * 8)));
  for (let i = 0; i < count; i++) set(i, 2);
  let now = 0;
  const lacking: string[] = [];
  const onLackingScheduler = (scheduler: string): void => void lacking.push(scheduler);
  const servers = new IpvsServers(ports, ruleset, { now: () => now, onLackingScheduler });
  await servers.repair();
  return { ports, ruleset, servers, set, lacking, pass: (ms: number) => (now += ms) };
}

const key = (i: number) => ({ address: ip(`10.96.0.${i}`), port: 80, protocol: "tcp" }) as const;

async function weightsOf(ipvs: FakeIpvs, i: number): Promise<Record<string, number>> {
  const [server] = await ipvs.list([key(i)]);
  return Object.fromEntries((server?.destinations ?? []).map(({ address, weight }) => [address, weight]));
}

describe("a change", () => {
  it("writes that Service alone, whatever others there are", async () => {
    const few = await serversOf(2);
    const many = await serversOf(200);
    const written: number[] = [];
    for (const { set, servers } of [few, many]) {
      set(1, 3);
      written.push(await servers.sync());
    }
    expect(written).toEqual([1, 1]);
    expect(await weightsOf(many.ports.ipvs, 1)).toEqual({ "10.245.0.8": 1, "10.245.0.9": 1, "10.245.0.10": 1 });
  });

  it("that takes a Service away leaves nothing of it", async () => {
    const { ports, ruleset, servers } = await serversOf(1);
    const before = await ipvsState(ports);
    ruleset.set("default/service-7/UDP", wanted(servicePort(7, full), [endpoint("10.244.1.11")]));
    await servers.sync();
    expect((await ipvsState(ports)).servers).toHaveLength(6);
    ruleset.set("default/service-7/UDP", undefined);
    await servers.sync();
    expect(await ipvsState(ports)).toEqual(before);
  });

  it("guards an address before the machine has it, and until it has it no more", async () => {
    const { ports, ruleset, set, servers } = await serversOf(0);
    const seen: string[] = [];
    const told = async (what: string): Promise<void> => {
      const guarded = await ports.ipset.has("KUBE-IPVS-IPS", { ip: ip("10.96.0.1") });
      const served = (await ports.ipvs.services()).length === 1;
      seen.push(`${what}: ${guarded ? "guarded" : "open"}, ${served ? "served" : "not served"}`);
    };
    const { addresses } = ports;
    ports.addresses = {
      list: () => addresses.list(),
      bind: (bound) => told("bind").then(() => addresses.bind(bound)),
      unbind: (unbound) => told("unbind").then(() => addresses.unbind(unbound)),
    };
    set(1, 1);
    await servers.sync();
    ruleset.set("default/service-1/TCP", undefined);
    await servers.sync();
    expect(seen).toEqual(["bind: guarded, served", "unbind: guarded, served"]);
  });
});

const full = {
  protocol: "UDP",
  nodePort: 30_080,
  externalIps: [ip("198.51.100.1"), ip("192.0.2.1")],
  loadBalancerIps: [ip("198.51.100.2")],
  sourceRanges: ["0.0.0.0/0", "10.0.0.0/8"],
} as const;

describe("the node's own address as an external IP", () => {
  it("is served, and stays the node's", async () => {
    const { ports, ruleset, servers } = await serversOf(0);
    ruleset.set("default/service-7/UDP", wanted(servicePort(7, full), [endpoint("10.244.1.11")]));
    await servers.sync();
    const { addresses, sets, servers: there } = await ipvsState(ports);
    expect([...addresses].sort()).toEqual(["10.96.0.7", "198.51.100.1", "198.51.100.2"]);
    const guarded = sets.find(({ name }) => name === "KUBE-IPVS-IPS")!.elements.map((element) => element.ip);
    expect(guarded.sort()).toEqual([...addresses].sort());
    expect(there.map(({ key }) => "address" in key && `${key.address} ${key.port}`)).toContain("192.0.2.1 80");
  });

  it("comes before a node port of the same number", async () => {
    const { ports, ruleset, servers } = await serversOf(0);
    ruleset.set("a/a/TCP", wanted(servicePort(1, { nodePort: 30_080 }), [endpoint("10.244.1.11")]));
    const external = { port: 30_080, externalIps: [ip("192.0.2.1")] };
    ruleset.set("b/b/TCP", wanted(servicePort(2, external), [endpoint("10.244.1.12")]));
    await servers.sync();
    const at = { address: ip("192.0.2.1"), port: 30_080, protocol: "tcp" } as const;
    const backend = async () => (await ports.ipvs.list([at]))[0]!.destinations.map(({ address }) => address);
    expect(await backend()).toEqual(["10.244.1.12"]);
    ruleset.set("b/b/TCP", undefined);
    await servers.sync();
    expect(await backend()).toEqual(["10.244.1.11"]);
  });
});

describe("a destination that nobody wants any more", () => {
  const first: IpvsDestinationKey = { address: ip("10.245.0.8"), port: 8080 };

  it("goes at once where it has no connections", async () => {
    const { ports, set, servers } = await serversOf(2);
    set(1, 0);
    await servers.sync();
    expect(await weightsOf(ports.ipvs, 1)).toEqual({});
  });

  it("gets nothing new while it has some, and goes when they have ended", async () => {
    const { ports, set, servers, pass } = await serversOf(2);
    ports.ipvs.load(key(1), first, { inactiveConnections: 1 });
    set(1, 0);
    await servers.sync();
    expect(await weightsOf(ports.ipvs, 1)).toEqual({ "10.245.0.8": 0 });
    pass(60_000);
    expect(await servers.terminate()).toBe(1);
    ports.ipvs.load(key(1), first, { inactiveConnections: 0 });
    expect(await servers.terminate()).toBe(0);
    expect(await weightsOf(ports.ipvs, 1)).toEqual({});
  });

  it("goes after a quarter of an hour, even from a process that began anew", async () => {
    const { ports, ruleset, set, servers } = await serversOf(2);
    ports.ipvs.load(key(1), first, { activeConnections: 1 });
    set(1, 0);
    await servers.sync();
    let now = 0;
    const restarted = new IpvsServers(ports, ruleset, { now: () => now });
    expect(await restarted.repair()).toBe(0);
    expect(await restarted.terminate()).toBe(1);
    now = 15 * 60_000;
    expect(await restarted.terminate()).toBe(0);
    expect(await weightsOf(ports.ipvs, 1)).toEqual({});
  });

  it("takes connections again when it is wanted again", async () => {
    const { ports, set, servers } = await serversOf(2);
    ports.ipvs.load(key(1), first, { activeConnections: 1 });
    set(1, 0);
    await servers.sync();
    set(1, 2);
    await servers.sync();
    expect(await weightsOf(ports.ipvs, 1)).toEqual({ "10.245.0.8": 1, "10.245.0.9": 1 });
    expect(await servers.terminate()).toBe(0);
    expect(await servers.repair()).toBe(0);
  });

  it("goes at once with UDP", async () => {
    const { ports, ruleset, servers } = await serversOf(0);
    const udp = servicePort(1, { protocol: "UDP" });
    ruleset.set("default/service-1/UDP", wanted(udp, endpoints(2)));
    await servers.sync();
    const service = { ...key(1), protocol: "udp" } as const;
    ports.ipvs.load(service, { address: ip("10.245.0.0"), port: 8080 }, { activeConnections: 3 });
    ruleset.set("default/service-1/UDP", wanted(udp, endpoints(1, 1)));
    await servers.sync();
    expect((await ports.ipvs.list([service]))[0]!.destinations.map(({ address }) => address)).toEqual(["10.245.0.1"]);
  });
});

describe("what others have", () => {
  it("goes where it is a virtual server of the family, unless excludeCIDRs names it", async () => {
    const { ports, servers } = await serversOf(1, { excludeCidrs: ["203.0.113.0/24"] });
    const foreign: readonly IpvsService["key"][] = [
      { address: ip("203.0.113.5"), port: 80, protocol: "tcp" },
      { address: ip("203.0.114.5"), port: 80, protocol: "tcp" },
      { address: ip("fd00::5"), port: 80, protocol: "tcp" },
      { family: "ip", mark: 5 },
    ];
    await ports.ipvs.apply(foreign.map((of) => ({ verb: "addService", service: { key: of, scheduler: "rr" } })));
    await servers.repair();
    const left = (await ports.ipvs.services()).map((service) => service.key);
    expect(left).toEqual([key(0), foreign[0], foreign[2], foreign[3]]);
  });

  it("is corrected where it is ours", async () => {
    const { ports, servers } = await serversOf(2);
    const destination = { address: ip("10.245.0.8"), port: 8080, forwarding: "masq", weight: 0 } as const;
    await ports.ipvs.apply([{ verb: "setDestination", service: key(1), destination }]);
    await ports.addresses.unbind([ip("10.96.0.1")]);
    await ports.ipset.apply([{ verb: "flush", set: "KUBE-CLUSTER-IP" }]);
    await ports.iptables.restore("*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n");
    expect(await servers.repair()).toBeGreaterThan(4);
    expect(await weightsOf(ports.ipvs, 1)).toEqual({ "10.245.0.8": 1, "10.245.0.9": 1 });
    expect(await servers.repair()).toBe(0);
  });
});

describe("what others remove is missed each syncPeriod", () => {
  const first = { address: ip("10.245.0.8"), port: 8080 };
  const disturbances: Record<string, (ports: FakeIpvsPorts) => Promise<unknown>> = {
    "a server": ({ ipvs }) => ipvs.apply([{ verb: "deleteService", service: key(1) }]),
    "a destination": ({ ipvs }) => ipvs.apply([{ verb: "deleteDestination", service: key(1), destination: first }]),
    "a destination's weight": ({ ipvs }) =>
      ipvs.apply([
        { verb: "setDestination", service: key(1), destination: { ...first, forwarding: "masq", weight: 0 } },
      ]),
    "a scheduler": ({ ipvs }) => ipvs.apply([{ verb: "setService", service: { key: key(1), scheduler: "wlc" } }]),
    "an address": ({ addresses }) => addresses.unbind([ip("10.96.0.1")]),
    "the device": ({ routing }) => removeServiceAddresses(routing),
    "what must not be there": ({ ipvs }) =>
      ipvs.apply([{ verb: "addService", service: { key: key(99), scheduler: "rr" } }]),
  };

  it.each(Object.keys(disturbances))("%s", async (what) => {
    const { ports, servers } = await serversOf(2);
    expect(await servers.isAsLeft()).toBe(true);
    await disturbances[what]!(ports);
    expect(await servers.isAsLeft()).toBe(false);
    await servers.repair();
    expect(await servers.isAsLeft()).toBe(true);
  });

  it("but not what is on its way, nor a destination that is ending", async () => {
    const { ports, set, servers } = await serversOf(2);
    ports.ipvs.load(key(1), first, { activeConnections: 1 });
    set(1, 0);
    expect(await servers.isAsLeft()).toBe(true);
    await servers.sync();
    expect(await weightsOf(ports.ipvs, 1)).toEqual({ "10.245.0.8": 0 });
    expect(await servers.isAsLeft()).toBe(true);
  });

  it("of destinations of many servers in the end", async () => {
    const { ports, servers } = await serversOf(250);
    const destination = { address: ip("10.245.7.192"), port: 8080 };
    await ports.ipvs.apply([{ verb: "deleteDestination", service: key(248), destination }]);
    expect([await servers.isAsLeft(), await servers.isAsLeft()]).toEqual([true, false]);
  });
});

describe("a scheduler of a Service's own", () => {
  const web = serviceOf(scenarios[0]!, "IPv4", "TCP");
  const annotated = (scheduler: string, problems: Problem[] = []) =>
    deriveService(
      { ...web, metadata: { ...web.metadata, annotations: { "fairlead.dev/ipvs-scheduler": scheduler } } },
      [sliceOf(scenarios[0]!, "IPv4", "TCP")],
      "IPv4",
      flowDeriveOptions("IPv4", {}),
      (problem) => problems.push(problem),
    ).get("default/web/TCP")!;
  const scheduled = async (ports: FakeIpvsPorts) => {
    const listed = await ports.ipvs.services();
    return listed.map(({ scheduler, schedulerFlags = [] }) => [scheduler, ...schedulerFlags]);
  };

  it("is the annotation's, mh by source and port", async () => {
    const { ports, ruleset, servers } = await serversOf(0, { scheduler: "lc" });
    for (const scheduler of ["mh", "sed", ""]) {
      ruleset.set("default/web/TCP", annotated(scheduler));
      await servers.sync();
      expect(await scheduled(ports)).toEqual([scheduler === "mh" ? ["mh", "port"] : [scheduler || "lc"]]);
    }
  });

  it("is an Event, and the common one, where there is no such scheduler", () => {
    const problems: Problem[] = [];
    expect(annotated("fastest", problems).scheduler).toBeUndefined();
    expect(problems).toMatchObject([{ reason: "InvalidScheduler" }]);
  });

  it("holds up nobody where this kernel lacks it", async () => {
    const { ports, ruleset, servers, lacking } = await serversOf(1);
    ports.ipvs = new FakeIpvs(["rr"]);
    ruleset.set("default/web/TCP", annotated("sed"));
    await servers.repair();
    expect(lacking).toEqual(["sed"]);
    expect(await scheduled(ports)).toEqual([["rr"], ["rr"]]);
    expect(await servers.repair()).toBe(0);
  });
});

describe("the section ipvs of the configuration", () => {
  const head = { apiVersion: "kubeproxy.config.k8s.io/v1alpha1", kind: "KubeProxyConfiguration" };
  const parse = (ipvs: object, rest: object = {}) =>
    kubeProxyConfiguration.parse({ ...head, mode: "ipvs", ipvs, ...rest });
  const modeOf = async (ipvs: object, rest: object = {}) => {
    const ports = await FakeIpvsPorts.create();
    const config = parse(ipvs, rest);
    const iptables = { IPv4: ports.iptables, IPv6: ports.iptables };
    const given = { ...ports, iptables, config, randomFully: true, clock: new FakeClock() };
    return { ports, mode: ipvsMode({ ...given, onLackingScheduler: () => undefined }) };
  };

  it("gives its periods to the agent, and the masquerading of the section iptables", async () => {
    const iptables = { masqueradeBit: 9, masqueradeAll: true };
    const { mode } = await modeOf({ syncPeriod: "90s", minSyncPeriod: "3s" }, { iptables });
    expect(mode.section).toMatchObject({ ...iptables, syncPeriod: 90_000, minSyncPeriod: 3000 });
  });

  it("masquerades pods too with masqueradeAll", async () => {
    for (const masqueradeAll of [true, false]) {
      const { mode, ports } = await modeOf({}, { iptables: { masqueradeAll } });
      await mode.rules(ipvsOptions("IPv4")).kernel.repair();
      const saved = await ports.iptables.save();
      expect(saved.includes("-A KUBE-SERVICES ! -s 10.244.0.0/16")).toBe(!masqueradeAll);
    }
  });

  it.each([
    ["", "rr"],
    ["wlc", "wlc"],
  ])("balances by its scheduler: %j", async (scheduler, used) => {
    const { mode, ports } = await modeOf({ scheduler });
    const { ruleset, kernel } = mode.rules(ipvsOptions("IPv4"));
    ruleset.set("default/service-1/TCP", wanted(servicePort(1), endpoints(1)));
    await kernel.repair();
    expect((await ports.ipvs.services()).map((service) => service.scheduler)).toEqual([used]);
  });

  it("leaves what excludeCIDRs names", async () => {
    const { mode, ports } = await modeOf({ excludeCIDRs: ["203.0.113.0/24", "fd00::/64"] });
    const foreign = ["203.0.113.5", "203.0.114.5"].map((address) => ({
      key: { address: ip(address), port: 80, protocol: "tcp" } as const,
      scheduler: "rr",
    }));
    await ports.ipvs.apply(foreign.map((service) => ({ verb: "addService", service })));
    await mode.rules(ipvsOptions("IPv4")).kernel.repair();
    expect((await ports.ipvs.services()).map((service) => service.key)).toEqual([foreign[0]!.key]);
  });

  it("sets ARP as strictARP says, and what IPVS needs by the kernel's version", () => {
    const names = (strictARP: boolean, release: string): readonly string[] =>
      ipvsSettings({ strictARP }, release).map(({ name, value }) => `${name.split("/").at(-1)}=${value}`);
    const always = ["conntrack=1", "expire_nodest_conn=1", "expire_quiescent_template=1", "ip_forward=1"];
    expect(names(false, "6.12.9-amd64")).toEqual(always);
    expect(names(true, "5.9.0")).toEqual([...always, "arp_ignore=1", "arp_announce=2"]);
    expect(names(false, "5.8.18-1")).toEqual([always[0], "conn_reuse_mode=0", ...always.slice(1)]);
    expect(names(false, "3.10.0-1160.el7")).toEqual(always);
  });

  it.each([
    ["tcpTimeout", { tcpSeconds: 77 }],
    ["tcpFinTimeout", { tcpFinSeconds: 77 }],
    ["udpTimeout", { udpSeconds: 77 }],
  ])("sets %s, and leaves the others", async (field, set) => {
    const ipvs = new FakeIpvs();
    const before = await ipvs.timeouts();
    const { ipvs: section } = parse({ [field]: "77s" });
    const names = ["net/ipv4/vs/conntrack", "net/ipv4/vs/expire_nodest_conn", "net/ipv4/vs/expire_quiescent_template"];
    const zeros = [...names, "net/ipv4/ip_forward"].map((name) => [name, "0"] as const);
    await applyIpvsSettings(section, "6.12", new FakeSysctl(Object.fromEntries(zeros)), ipvs);
    expect(await ipvs.timeouts()).toEqual({ ...before, ...set });
  });

  it("serves node ports at every address, or at those that are named, and never at loopback", async () => {
    const local = ["127.0.0.1", "192.0.2.1", "198.51.100.1"].map(ip);
    const at = async (nodePortAddresses?: readonly string[]) =>
      (await modeOf({}, nodePortAddresses && { nodePortAddresses })).mode.nodePortAddresses({}, local, "IPv4");
    expect(await at()).toEqual(["192.0.2.1", "198.51.100.1"]);
    expect(await at(["127.0.0.0/8", "192.0.2.0/24", "localhost"])).toEqual(["192.0.2.1"]);
  });
});

it("says which scheduler the kernel lacks before anything is programmed", async () => {
  const ipvs = new FakeIpvs(["rr"]);
  await checkScheduler(ipvs, "rr");
  expect(await ipvs.services()).toEqual([]);
  await expect(checkScheduler(ipvs, "mh")).rejects.toThrow(/no scheduler mh.*ip_vs_mh/);
});

it("removes destinations that have ended as time goes by, until it is stopped", async () => {
  const ports = await FakeIpvsPorts.create();
  const clock = new FakeClock();
  const config = kubeProxyConfiguration.parse({
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
  });
  const iptables = { IPv4: ports.iptables, IPv6: ports.iptables };
  const given = { ...ports, iptables, config, randomFully: true, clock, onLackingScheduler: () => undefined };
  const mode = ipvsMode(given);
  const watch = mode.watch({ onForeign: () => undefined, onError: () => undefined });
  const { ruleset, kernel } = mode.rules(ipvsOptions("IPv4"));
  ruleset.set("default/service-1/TCP", wanted(servicePort(1), endpoints(1)));
  await watch.start();
  await kernel.repair();
  expect(await watch.sawEverything()).toBe(true);
  const only = { address: ip("10.245.0.0"), port: 8080 };
  ports.ipvs.load(key(1), only, { activeConnections: 1 });
  ruleset.set("default/service-1/TCP", wanted(servicePort(1), []));
  await kernel.sync();
  ports.ipvs.load(key(1), only, { activeConnections: 0 });
  clock.advance(60_000);
  await kernel.sync();
  expect(await weightsOf(ports.ipvs, 1)).toEqual({});
  watch.stop();
});

it("has addresses as routes where the kernel has no dummy devices", async () => {
  const changes: unknown[] = [];
  const unsupported = Object.assign(new Error("Unknown device type"), { errno: 95 });
  const routing = {
    link: () => Promise.resolve(undefined),
    apply: (steps: readonly { readonly object: string }[]) => {
      changes.push(...steps.filter(({ object }) => object === "route"));
      return Promise.resolve(steps.map(({ object }) => (object === "link" ? unsupported : null)));
    },
  };
  const addresses = await openServiceAddresses(routing as never);
  await addresses.bind([ip("10.96.0.1"), ip("fd00::1")]);
  expect(changes).toMatchObject([
    { verb: "add", value: { kind: "local", table: 255, destination: "10.96.0.1", destinationPrefixLength: 32 } },
    { verb: "add", value: { kind: "local", table: 255, destination: "fd00::1", destinationPrefixLength: 128 } },
  ]);
});
