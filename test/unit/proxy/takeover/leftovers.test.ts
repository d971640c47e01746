/** From the iptables mode to the ipvs mode and back on one variant: what the other has alone goes, what both have stays. */
import { expect, it } from "vitest";
import { FakeIptables } from "../../../../src/kernel/fake/iptables.ts";
import { removeLeftovers, removeOwnIpvs } from "../../../../src/proxy/agent/clean_up.ts";
import { IptablesChains } from "../../../../src/proxy/apply/iptables.ts";
import { IpvsServers } from "../../../../src/proxy/apply/ipvs.ts";
import { Ruleset as IptablesRuleset } from "../../../../src/proxy/modes/iptables/ruleset.ts";
import { Ruleset } from "../../../../src/proxy/modes/ipvs/ruleset.ts";
import { findKubeProxy } from "../../../../src/proxy/takeover/takeover.ts";
import { FakeIpvsPorts } from "../../../fixtures/fake_ipvs_ports.ts";
import { FakeNftables } from "../../../../src/kernel/fake/nftables.ts";
import { iptablesOptions } from "../../../fixtures/iptables_options.ts";
import { ipvsOptions } from "../../../fixtures/ipvs_options.ts";
import { endpoints, servicePort, wanted } from "../../../fixtures/proxied.ts";

const exposed = servicePort(1, { nodePort: 30_080, externalIps: ["198.51.100.1" as never] });
const name = "default/service-1/TCP";

async function ipvsOn(ports: FakeIpvsPorts): Promise<void> {
  const ruleset = new Ruleset(ipvsOptions("IPv4"));
  ruleset.set(name, wanted(exposed, endpoints(2)));
  await new IpvsServers(ports, ruleset, { now: () => 0 }).repair();
}

async function iptablesOn(port: FakeIptables): Promise<void> {
  const ruleset = new IptablesRuleset(iptablesOptions("IPv4"));
  ruleset.set(name, wanted(exposed, endpoints(2)));
  await new IptablesChains(port, ruleset).repair();
}

async function alone(program: (port: FakeIptables) => Promise<void>): Promise<readonly string[]> {
  const port = new FakeIptables();
  await program(port);
  return lines(port);
}

async function lines(port: FakeIptables): Promise<readonly string[]> {
  // The kubelet's too: it stays.
  return (await port.save())
    .split("\n")
    .filter((line) => !line.includes("KUBE-FIREWALL"))
    .sort();
}

it("leaves to the ipvs mode what it would have made", async () => {
  const ports = await FakeIpvsPorts.create();
  const clean = await FakeIpvsPorts.create();
  await iptablesOn(ports.iptables);
  await ipvsOn(ports);
  await removeLeftovers([ports.iptables], "iptables");
  await ipvsOn(clean);
  expect(await lines(ports.iptables)).toEqual(await lines(clean.iptables));
  await removeLeftovers([ports.iptables], "iptables");
  expect(await lines(ports.iptables)).toEqual(await lines(clean.iptables));
});

it("leaves to the iptables mode what it would have made, and no server, set or address", async () => {
  const ports = await FakeIpvsPorts.create();
  await ipvsOn(ports);
  const foreign = { key: { address: "203.0.113.5" as never, port: 80, protocol: "tcp" }, scheduler: "rr" } as const;
  await ports.ipvs.apply([{ verb: "addService", service: foreign }]);
  await ports.ipset.apply([{ verb: "create", set: "mine", definition: { type: "hash:ip", family: "ip" } }]);
  await iptablesOn(ports.iptables);
  await removeLeftovers([ports.iptables], "ipvs");
  expect(await lines(ports.iptables)).toEqual(await alone(iptablesOn));
  expect((await removeOwnIpvs(ports)).removed).toEqual([
    "3 virtual servers of the ipvs mode",
    "19 ipsets of the ipvs mode",
    "ipvs device kube-ipvs0",
  ]);
  expect((await ports.ipvs.services()).map(({ key }) => key)).toEqual([foreign.key]);
  expect((await ports.ipset.list()).map((set) => set.name)).toEqual(["mine"]);
  expect(await ports.routing.link({ name: "kube-ipvs0" })).toBeUndefined();
  expect((await removeOwnIpvs(ports)).removed).toEqual([]);
});

it("takes what a kube-proxy has for nothing of ours, and what is ours for no kube-proxy's", async () => {
  const ports = await FakeIpvsPorts.create();
  const definition = { type: "hash:ip,port", family: "ip" } as const;
  await ports.ipset.apply([{ verb: "create", set: "KUBE-CLUSTER-IP", definition }]);
  expect((await removeOwnIpvs(ports)).removed).toEqual([]);
  const found = { nftables: new FakeNftables(), iptables: [] };
  expect(await findKubeProxy({ ...found, ipvsMode: ports })).toEqual([
    "1 ipsets of the ipvs mode",
    "ipvs device kube-ipvs0",
  ]);
  expect(await findKubeProxy({ ...found, ipvsMode: undefined })).toEqual([]);
});
