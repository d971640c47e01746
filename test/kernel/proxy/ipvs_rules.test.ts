/**
 * What the ipvs mode writes beside IPVS, on the real kernel: sets, rules of both variants, and addresses as local routes
 * where there are no dummy devices. What is there afterwards is just what is wanted.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeIpvs } from "../../../src/kernel/fake/ipvs.ts";
import { native, type NativeNamespace } from "../../../src/kernel/native.ts";
import { openIpset } from "../../../src/kernel/real/ipset.ts";
import { openIptables } from "../../../src/kernel/real/iptables.ts";
import { openRouting } from "../../../src/kernel/real/routing.ts";
import type { IpAddress } from "../../../src/model/address.ts";
import { removeOwnChains, removeOwnIpvs } from "../../../src/proxy/agent/clean_up.ts";
import { IpvsServers, type IpvsPorts } from "../../../src/proxy/apply/ipvs.ts";
import { openServiceAddresses } from "../../../src/proxy/apply/service_addresses.ts";
import { deriveService } from "../../../src/proxy/derive/derive.ts";
import { Ruleset } from "../../../src/proxy/modes/ipvs/ruleset.ts";
import { flowDeriveOptions } from "../../fixtures/flow_options.ts";
import { ipvsOptions } from "../../fixtures/ipvs_options.ts";
import { run } from "../../fixtures/namespace.ts";
import { serviceOf, sliceOf } from "../../trace/flows.ts";
import { scenarios } from "../../trace/scenarios.ts";

let namespace: NativeNamespace;
beforeEach(async () => {
  namespace = await native().createNamespace();
  await run(namespace, ["ip", "link", "set", "lo", "up"]);
});
afterEach(() => namespace.close());

const names = [
  "source ranges guard before policy Local",
  "internalTrafficPolicy Local leaves external addresses to the cluster",
  "masqueradeAll hides pods too",
  "without a way to tell pods policy Local takes them for outside",
  "pods are told by InterfaceNamePrefix",
  "pods are those behind one link, by BridgeInterface",
];
const programs = { IPv4: "iptables", IPv6: "ip6tables" } as const;

describe.each(["nft", "legacy"] as const)("iptables-%s", (variant) => {
  it.each(["IPv4", "IPv6"] as const)("has %s's rules, sets and addresses just as they are wanted", async (family) => {
    const [ipset, routing] = [await openIpset({ namespace }), await openRouting({ namespace })];
    const iptables = openIptables(programs[family], variant, namespace);
    const addresses = await openServiceAddresses(routing);
    const ports: IpvsPorts = { ipvs: new FakeIpvs(), ipset, iptables, addresses };
    try {
      for (const name of names) {
        const scenario = scenarios.find((one) => one.name === name)!;
        const servers = () => {
          const ruleset = new Ruleset(ipvsOptions(family, scenario));
          const protocols = ["TCP", "UDP", "SCTP"] as const;
          for (const protocol of protocols) {
            const service = serviceOf(scenario, family, protocol);
            const options = flowDeriveOptions(family, scenario);
            const derived = deriveService(service, [sliceOf(scenario, family, protocol)], family, options);
            for (const [port, wanted] of derived) ruleset.set(port, wanted);
          }
          return new IpvsServers(ports, ruleset, { now: () => 0 });
        };
        expect(await servers().repair(), name).toBeGreaterThan(0);
        expect(await servers().repair(), name).toBe(0);
      }
      const [address] = await addresses.list();
      const local = await run(namespace, ["ip", family === "IPv4" ? "-4" : "-6", "route", "get", address!]);
      expect(local).toMatch(/^local /);
      await addresses.bind([address!]);
      await addresses.unbind([address!, "10.96.99.99" as IpAddress]);
      await removeOwnChains([iptables]);
      await removeOwnIpvs({ ...ports, routing });
      expect(await ipset.list()).toEqual([]);
      expect(await addresses.list()).toEqual([]);
      expect(await iptables.save()).not.toMatch(/KUBE-|FAIRLEAD-/);
    } finally {
      ipset.close();
      routing.close();
    }
  });
});
