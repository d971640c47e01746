/** Both variants of iptables take what the mode writes, and print it as it was written. */
import { describe, expect, it } from "vitest";
import { openIptables } from "../../../src/kernel/real/iptables.ts";
import type { WantedPort } from "../../../src/proxy/derive/derive.ts";
import { IptablesChains } from "../../../src/proxy/apply/iptables.ts";
import { deriveService } from "../../../src/proxy/derive/derive.ts";
import { Ruleset } from "../../../src/proxy/modes/iptables/ruleset.ts";
import { planRemoval } from "../../../src/proxy/takeover/plan.ts";
import { flowDeriveOptions } from "../../fixtures/flow_options.ts";
import { iptablesOptions } from "../../fixtures/iptables_options.ts";
import { useNamespace } from "../../fixtures/namespace.ts";
import { endpoints, servicePort, wanted } from "../../fixtures/proxied.ts";
import { serviceOf, sliceOf } from "../../trace/flows.ts";
import { scenarios } from "../../trace/scenarios.ts";

const namespace = useNamespace();

/** Every scenario's Service, under a name and addresses of its own, in one ruleset. */
function everything(family: "IPv4" | "IPv6", everywhere: boolean): Ruleset {
  const ruleset = new Ruleset({ ...iptablesOptions(family), nodePortsEverywhere: everywhere });
  scenarios.forEach((scenario, i) => {
    for (const protocol of ["TCP", "UDP", "SCTP"] as const) {
      const service = serviceOf(scenario, family, protocol);
      const named = { ...service, metadata: { ...service.metadata, name: `web-${i}` } };
      const ports = named.spec.ports!.map((port) => ({
        ...port,
        port: 1000 + i,
        ...(port.nodePort ? { nodePort: 31_000 + i } : {}),
      }));
      const healthy = { ...named, spec: { ...named.spec, ports, healthCheckNodePort: 32_000 + i } };
      const wanted: ReadonlyMap<string, WantedPort> = deriveService(
        healthy,
        [sliceOf(scenario, family, protocol)],
        family,
        flowDeriveOptions(family, scenario),
      );
      for (const [name, port] of wanted) ruleset.set(name, port);
    }
  });
  return ruleset;
}

describe.each(["nft", "legacy"] as const)("iptables-%s", (variant) => {
  it("takes more Services than one part has, and prints them as they were written", async () => {
    const many = (): Ruleset => {
      const ruleset = new Ruleset(iptablesOptions("IPv4"));
      for (let i = 0; i < 300; i++) ruleset.set(`default/many-${i}/TCP`, wanted(servicePort(i), endpoints(3, i * 3)));
      return ruleset;
    };
    const port = openIptables("iptables", variant, namespace());
    expect(await new IptablesChains(port, many()).repair()).toBeGreaterThan(300 * 4);
    expect(await new IptablesChains(port, many()).repair()).toBe(0);
    const empty = new Ruleset(iptablesOptions("IPv4"));
    await new IptablesChains(port, empty).repair();
    expect(await port.list("nat")).not.toMatch(/KUBE-(SVC|SEP)/);
  });

  it.each(["IPv4", "IPv6"] as const)(
    "prints %s's rules as they were written, so that a start writes none",
    async (family) => {
      const port = openIptables(family === "IPv4" ? "iptables" : "ip6tables", variant, namespace());
      for (const everywhere of [true, false]) {
        const chains = new IptablesChains(port, everything(family, everywhere));
        expect(await chains.repair()).toBeGreaterThan(0);
        expect(await chains.hasCanaries()).toBe(true);
        const restarted = new IptablesChains(port, everything(family, everywhere));
        expect(await restarted.repair()).toBe(0);
      }
      await port.restore(planRemoval(await port.save())!);
      const left = (await port.save())
        .split("\n")
        .filter((line) => line.includes("KUBE-") || line.includes("FAIRLEAD"));
      // The kubelet's too: it stays, as upstream's --cleanup leaves it.
      expect(left.filter((line) => !line.includes("KUBE-FIREWALL") && !line.includes("localnet"))).toEqual([]);
    },
  );

  it("tells a refusal in the program's own words, and carries nothing of that table out", async () => {
    const port = openIptables("iptables", variant, namespace());
    const input = "*nat\n:KUBE-SVC-A - [0:0]\n-A KUBE-SVC-A -j NOWHERE\nCOMMIT\n";
    await expect(port.restore(input)).rejects.toThrow(/restore/);
    expect(await port.hasChain("nat", "KUBE-SVC-A")).toBe(false);
    expect(await port.hasChain("nat", "PREROUTING")).toBe(true);
  });
});
