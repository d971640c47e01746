import { describe, expect, it } from "vitest";
import { kubeProxyConfiguration } from "../../../../src/config/kube_proxy.ts";
import { FakeIptables } from "../../../../src/kernel/fake/iptables.ts";
import { FakeNftables } from "../../../../src/kernel/fake/nftables.ts";
import { FakeRelay } from "../../../../src/kernel/fake/relay.ts";
import type { IpAddress } from "../../../../src/model/address.ts";
import { iptablesMode } from "../../../../src/proxy/agent/iptables_mode.ts";
import { ipvsMode } from "../../../../src/proxy/agent/ipvs_mode.ts";
import { asksForLocalhost, withLocalhost, withoutLocalnet } from "../../../../src/proxy/agent/localhost.ts";
import type { ProxyMode } from "../../../../src/proxy/agent/mode.ts";
import { nftablesMode } from "../../../../src/proxy/agent/nftables_mode.ts";
import { userspaceMode } from "../../../../src/proxy/agent/userspace_mode.ts";
import { FakeClock } from "../../../fixtures/fake_clock.ts";
import { FakeIpvsPorts } from "../../../fixtures/fake_ipvs_ports.ts";

const clock = new FakeClock();
const nftables = new FakeNftables();
const local = ["127.0.0.1", "192.0.2.1", "198.51.100.1"] as IpAddress[];
const ips = { IPv4: local[1]! };

function configOf(fields: object) {
  const head = { apiVersion: "kubeproxy.config.k8s.io/v1alpha1", kind: "KubeProxyConfiguration" };
  const periods = { iptables: { syncPeriod: "31s" }, ipvs: { syncPeriod: "32s" }, nftables: { syncPeriod: "33s" } };
  return kubeProxyConfiguration.parse({ ...head, ...periods, ...fields });
}

const relay = new FakeRelay([]);
const fail = (_: unknown, error: unknown): never => {
  throw error;
};

const modes: Readonly<Record<ProxyMode["name"], (fields: object) => Promise<ProxyMode>>> = {
  nftables: (fields) => Promise.resolve(nftablesMode(nftables, configOf(fields), clock)),
  userspace: (fields) => {
    return Promise.resolve(userspaceMode({ nftables, relay, config: configOf(fields), clock }));
  },
  iptables: (fields) => {
    const iptables = { IPv4: new FakeIptables(), IPv6: new FakeIptables() };
    return Promise.resolve(iptablesMode({ iptables, config: configOf(fields), randomFully: true }));
  },
  ipvs: async (fields) => {
    const ports = await FakeIpvsPorts.create();
    const iptables = { IPv4: ports.iptables, IPv6: ports.iptables };
    const onLackingScheduler = () => undefined;
    return ipvsMode({ ...ports, iptables, config: configOf(fields), randomFully: true, clock, onLackingScheduler });
  },
};

describe("what a mode says of itself", () => {
  it.each([
    ["nftables", 33_000, ["primary"], ["192.0.2.1"], false],
    ["userspace", 31_000, ["all"], ["192.0.2.1", "198.51.100.1"], false],
    ["iptables", 31_000, ["all"], ["192.0.2.1", "198.51.100.1"], true],
    ["ipvs", 32_000, ["all"], ["192.0.2.1", "198.51.100.1"], false],
  ] as const)(
    "%s: its period, and where node ports are by default",
    async (name, period, ranges, served, localhost) => {
      const mode = await modes[name]({});
      expect(mode.name).toBe(name);
      expect(mode.section.syncPeriod).toBe(period);
      expect(mode.nodePortRanges).toEqual(ranges);
      expect(mode.nodePortAddresses(ips, local, "IPv4")).toEqual(served);
      expect(mode.servesLocalhost).toBe(localhost);
      expect(mode.needsLocalAddresses).toBe(name === "ipvs");
    },
  );

  it.each([
    ["userspace", false],
    ["iptables", true],
    ["ipvs", false],
  ] as const)("%s: whether its rules have 127.0.0.1 where it is named", async (name, isRouted) => {
    const mode = await modes[name]({ nodePortAddresses: ["localhost"] });
    expect(mode.servesLocalhost).toBe(isRouted);
    expect(mode.nodePortAddresses(ips, local, "IPv4")).toEqual(name === "ipvs" ? [] : ["127.0.0.1"]);
  });

  it.each(["nftables", "iptables", "ipvs"] as const)("%s: leaves loopback to a relay beside it", async (name) => {
    const fields = { nodePortAddresses: ["localhost", "192.0.2.0/24"] };
    expect(asksForLocalhost(configOf(fields))).toBe(true);
    const { localhostNodePorts } = withoutLocalnet(configOf(fields)).iptables;
    expect(localhostNodePorts).toBe(false);
    const mode = withLocalhost(await modes[name]({ ...fields, iptables: { localhostNodePorts } }), relay, fail);
    expect(mode.name).toBe(name);
    expect(mode.servesLocalhost).toBe(false);
    expect(mode.nodePortAddresses(ips, local, "IPv4")).toEqual(["192.0.2.1"]);
  });
});
