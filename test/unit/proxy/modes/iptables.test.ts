/** The iptables mode: kube-proxy's names and rules, what a change writes, and its section of the configuration. */
import { describe, expect, it } from "vitest";
import { kubeProxyConfiguration } from "../../../../src/config/kube_proxy.ts";
import { FairleadError } from "../../../../src/errors/catalogue.ts";
import { FakeIptables } from "../../../../src/kernel/fake/iptables.ts";
import type { IpAddress } from "../../../../src/model/address.ts";
import { iptablesMode, isEverywhere } from "../../../../src/proxy/agent/iptables_mode.ts";
import { IptablesChains } from "../../../../src/proxy/apply/iptables.ts";
import { chooseVariant, hasRandomFully } from "../../../../src/proxy/apply/iptables_variant.ts";
import { endpointChain, portChain } from "../../../../src/proxy/modes/iptables/names.ts";
import { chainsOfPart } from "../../../../src/proxy/modes/shared/iptables_edits.ts";
import { probability } from "../../../../src/proxy/modes/shared/iptables_rule.ts";
import { Ruleset } from "../../../../src/proxy/modes/iptables/ruleset.ts";
import { lastRules } from "../../../../src/proxy/modes/iptables/table.ts";
import { iptablesOptions } from "../../../fixtures/iptables_options.ts";
import { endpoints, servicePort, wanted } from "../../../fixtures/proxied.ts";

/** As upstream's own tests have them (pkg/proxy/iptables/proxier_test.go). */
it("names chains as kube-proxy does", () => {
  expect(portChain("SVC", "ns1/svc1:p80", "TCP")).toBe("KUBE-SVC-XPGD46QRK7WJZT7O");
  expect(portChain("FW", "ns5/svc5:p80", "TCP")).toBe("KUBE-FW-NUKIZ6OKUXPJNT4C");
  expect(endpointChain("ns1/svc1:p80", "TCP", "10.180.0.1:80")).toBe("KUBE-SEP-SXIVWICOYRO3J4NJ");
});

it("writes probabilities as the kernel keeps them", () => {
  expect([2, 3, 7].map(probability)).toEqual(["0.50000000000", "0.33333333349", "0.14285714272"]);
});

async function chainsOf(count: number, backends = 2) {
  const port = new FakeIptables();
  const ruleset = new Ruleset(iptablesOptions("IPv4"));
  const set = (i: number, of: number): void =>
    ruleset.set(`default/service-${i}/TCP`, wanted(servicePort(i), endpoints(of, i * 8)));
  for (let i = 0; i < count; i++) set(i, backends);
  const chains = new IptablesChains(port, ruleset);
  await chains.repair();
  port.restored.length = 0;
  return { port, ruleset, chains, set };
}

const linesOf = (input: string | undefined): readonly string[] =>
  (input ?? "").split("\n").filter((line) => line !== "");

describe("a change", () => {
  it("of endpoints writes the chains of that Service alone, whatever others there are", async () => {
    const few = await chainsOf(2);
    const many = await chainsOf(200);
    for (const { set, chains } of [few, many]) {
      set(1, 3);
      await chains.sync();
    }
    expect(linesOf(many.port.restored[0])).toEqual(linesOf(few.port.restored[0]));
    expect(linesOf(many.port.restored[0]).some((line) => line.includes("KUBE-SERVICES"))).toBe(false);
  });

  it("refuses before it stops to translate, and stops to refuse behind", async () => {
    const { port, set, chains } = await chainsOf(3);
    set(1, 0);
    await chains.sync();
    set(1, 2);
    await chains.sync();
    const tables = port.restored.map((input) => linesOf(input).filter((line) => line.startsWith("*")));
    expect(tables).toEqual([
      ["*filter", "*nat"],
      ["*nat", "*filter"],
    ]);
    expect(port.restored[0]).toContain("-D KUBE-SERVICES -d 10.96.0.1/32");
    expect(await port.save()).not.toContain("has no endpoints");
  });

  it("leaves the rule of node ports the last", async () => {
    const { port, ruleset, set, chains } = await chainsOf(3);
    set(7, 1);
    await chains.sync();
    const rules = (await port.list("nat")).split("\n").filter((line) => line.startsWith("-A KUBE-SERVICES"));
    expect(rules.at(-1)).toBe(`-A KUBE-SERVICES ${lastRules(ruleset.options)[0]}`);
    expect(rules).toHaveLength(5);
  });

  it("that the kernel refuses is repaired from what it holds", async () => {
    const { port, set, chains } = await chainsOf(3);
    await port.restore("*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n");
    set(1, 0);
    await chains.sync();
    expect((await port.list("nat")).match(/^-A KUBE-SERVICES -d/gm)).toHaveLength(3);
    expect(await chains.repair()).toBe(0);
  });

  it("leaves out comments of endpoints' rules once there are many, as upstream", async () => {
    const { port, set, chains } = await chainsOf(250, 4);
    expect(await port.save()).toContain('"default/service-0 -> ');
    set(0, 5);
    await chains.sync();
    expect(await port.save()).not.toContain('"default/service-0 -> ');
    expect(await chains.repair()).toBe(0);
    set(0, 4);
    await chains.sync();
    expect(await port.save()).toContain('"default/service-0 -> ');
  });
});

describe("a load of many Services", () => {
  const services = 500;

  async function loaded(name: string) {
    const port = new FakeIptables(name);
    const ruleset = new Ruleset(iptablesOptions("IPv4"));
    const key = (i: number): string => `default/service-${i}/TCP`;
    for (let i = 0; i < services; i++) ruleset.set(key(i), wanted(servicePort(i), endpoints(4, i * 4)));
    const chains = new IptablesChains(port, ruleset);
    await chains.repair();
    return { port, ruleset, chains, key };
  }
  const natOf = (input: string): readonly string[] =>
    input.split("COMMIT\n").filter((section) => section.startsWith("*nat"));

  it("is in parts of iptables-nft, of which the last leads packets there", async () => {
    const { port, ruleset, chains, key } = await loaded("iptables-nft");
    const parts = natOf(port.restored[0]!);
    expect(parts).toHaveLength(Math.ceil((services * 5) / chainsOfPart));
    for (const part of parts) expect(part.match(/^:/gm)!.length).toBeLessThan(chainsOfPart + 20);
    expect(parts.map((part) => part.includes("-A KUBE-SERVICES"))).toEqual(parts.map((_, i) => i === parts.length - 1));
    expect(await chains.repair()).toBe(0);
    for (let i = 0; i < services; i++) ruleset.set(key(i), undefined);
    await chains.sync();
    expect(await port.save()).not.toMatch(/KUBE-(SVC|SEP)/);
    expect(await chains.repair()).toBe(0);
  });

  it("is one transaction of a legacy table, which the kernel takes whole", async () => {
    const { port, chains } = await loaded("iptables-legacy");
    expect(natOf(port.restored[0]!)).toHaveLength(1);
    expect(await chains.repair()).toBe(0);
  });
});

describe("upstream's metrics of iptables", () => {
  const ofChains = /^-A KUBE-/gm;
  const rulesOf = async (port: FakeIptables, table: "nat" | "filter"): Promise<number> =>
    (await port.list(table)).match(ofChains)?.length ?? 0;

  async function reported() {
    const port = new FakeIptables();
    const ruleset = new Ruleset(iptablesOptions("IPv4"));
    const counts = new Map<string, readonly [number, number]>();
    const failed: boolean[] = [];
    const chains = new IptablesChains(port, ruleset, {
      rules: (_, table, total, written) => counts.set(table, [total, written]),
      restoreFailed: (_, isPartial) => failed.push(isPartial),
    });
    const set = (i: number, of: number): void =>
      ruleset.set(`default/service-${i}/TCP`, wanted(servicePort(i), endpoints(of, i * 8)));
    return { port, ruleset, counts, failed, chains, set };
  }

  it("count the rules that the kernel has, whatever changes", async () => {
    const { port, ruleset, counts, chains, set } = await reported();
    set(0, 3);
    set(1, 0);
    await chains.repair();
    expect(counts.get("nat")![1]).toBeGreaterThanOrEqual(counts.get("nat")![0]);
    const changes: (() => void)[] = [
      () => set(0, 5),
      () => set(1, 2),
      () => set(2, 1),
      () => ruleset.set("default/service-0/TCP", undefined),
      () => ruleset.configure({ ...iptablesOptions("IPv4"), tcpBeLiberal: true, nodePortsEverywhere: false }),
    ];
    for (const change of changes) {
      change();
      await chains.sync();
      for (const table of ["nat", "filter"] as const) expect(counts.get(table)![0]).toBe(await rulesOf(port, table));
    }
    await chains.sync();
    expect([counts.get("nat")![1], counts.get("filter")![1]]).toEqual([0, 0]);
  });

  it("count what is refused, and apart what was of changes alone", async () => {
    const { port, failed, chains, set } = await reported();
    set(0, 1);
    await chains.repair();
    const restore = port.restore.bind(port);
    let refusals = 2;
    port.restore = (input) =>
      refusals-- > 0 ? Promise.reject(new FairleadError("NATIVE_CALL", { subject: "x", reason: "y" })) : restore(input);
    set(0, 2);
    await chains.sync();
    expect(failed).toEqual([true, false]);
  });
});

describe("the section iptables of the configuration", () => {
  const head = { apiVersion: "kubeproxy.config.k8s.io/v1alpha1", kind: "KubeProxyConfiguration" };
  const modeOf = (iptables: object, rest: object = {}) => {
    const config = kubeProxyConfiguration.parse({ ...head, mode: "iptables", iptables, ...rest });
    const ports = { IPv4: new FakeIptables(), IPv6: new FakeIptables() };
    return { ports, mode: iptablesMode({ iptables: ports, config, randomFully: true }) };
  };

  it("gives bit, periods and masqueradeAll to the agent", () => {
    const section = { masqueradeBit: 9, masqueradeAll: true, syncPeriod: "90s", minSyncPeriod: "3s" };
    expect(modeOf(section).mode.section).toMatchObject({ ...section, syncPeriod: 90_000, minSyncPeriod: 3000 });
    expect(modeOf({}).mode.section).toMatchObject({ masqueradeBit: 14, syncPeriod: 30_000, minSyncPeriod: 1000 });
  });

  it("marks with the masqueradeBit", async () => {
    const { mode, ports } = modeOf({});
    await mode.rules({ ...iptablesOptions("IPv4"), masqueradeMark: 1 << 9 }).kernel.repair();
    expect(await ports.IPv4.save()).toContain("-A KUBE-MARK-MASQ -j MARK --set-xmark 0x200/0x200");
  });

  it("keeps node ports from 127.0.0.1 without localhostNodePorts", async () => {
    for (const localhostNodePorts of [true, false]) {
      const { mode, ports } = modeOf({ localhostNodePorts });
      await mode.rules(iptablesOptions("IPv4")).kernel.repair();
      const saved = await ports.IPv4.save();
      expect(saved.includes("! -d 127.0.0.0/8")).toBe(!localhostNodePorts);
      expect(saved.includes("block incoming localnet connections")).toBe(localhostNodePorts);
      expect(mode.servesLocalhost).toBe(localhostNodePorts);
    }
  });

  it("serves node ports at every address, or at those that are named", () => {
    expect(isEverywhere(["all"], "IPv4")).toBe(true);
    expect(isEverywhere(["192.0.2.0/24"], "IPv4")).toBe(false);
    expect(isEverywhere(["192.0.2.0/24"], "IPv6")).toBe(true);
    expect(isEverywhere(["0.0.0.0/0"], "IPv4")).toBe(true);
    expect(isEverywhere(["primary"], "IPv4")).toBe(false);
    const { mode } = modeOf({}, { nodePortAddresses: ["127.0.0.0/8", "192.0.2.0/24"] });
    const local = ["127.0.0.1", "192.0.2.1", "198.51.100.1"].map((address) => address as IpAddress);
    expect(mode.nodePortAddresses({}, local, "IPv4")).toEqual(["127.0.0.1", "192.0.2.1"]);
    const without = modeOf({ localhostNodePorts: false }, { nodePortAddresses: ["127.0.0.0/8"] }).mode;
    expect(without.nodePortAddresses({}, local, "IPv4")).toEqual([]);
  });
});

it("finds the variant of the node by the kubelet's hint, then by rules, then by its own program", () => {
  const [none, hinted, some] = ["", "*mangle\n:KUBE-IPTABLES-HINT - [0:0]\n", "*nat\n-A INPUT -j ACCEPT\n"];
  expect(chooseVariant({ nft: hinted, legacy: some }, "legacy")).toBe("nft");
  expect(chooseVariant({ nft: some, legacy: hinted }, "nf_tables")).toBe("legacy");
  expect(chooseVariant({ nft: none, legacy: some }, "nf_tables")).toBe("legacy");
  expect(chooseVariant({ nft: none, legacy: none }, "iptables v1.8.9 (nf_tables)")).toBe("nft");
  expect(chooseVariant({ nft: none, legacy: none }, "iptables v1.8.9 (legacy)")).toBe("legacy");
  expect([hasRandomFully("iptables v1.8.9 (nf_tables)"), hasRandomFully("iptables v1.6.1")]).toEqual([true, false]);
});

it("counts each frontend once, by its first rule", async () => {
  const { chains } = await chainsOf(2);
  expect(await chains.counts()).toMatchObject([
    { service: "default/service-0", address: "10.96.0.0", port: 80, packets: 0n },
    { service: "default/service-1", address: "10.96.0.1", port: 80, packets: 0n },
  ]);
});
