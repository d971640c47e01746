/** From one mode to the other and back under traffic: no connection fails, and nothing of the first is left. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { RealNftables } from "../../../src/kernel/real/nftables.ts";
import { openIptables } from "../../../src/kernel/real/iptables.ts";
import { iptablesMode } from "../../../src/proxy/agent/iptables_mode.ts";
import { removeOwnChains, removeTables } from "../../../src/proxy/agent/clean_up.ts";
import type { FamilyRules, ModeKernel } from "../../../src/proxy/agent/mode.ts";
import { nftablesRules } from "../../../src/proxy/agent/nftables_mode.ts";
import { kubeProxyConfiguration } from "../../../src/config/kube_proxy.ts";
import { deriveService } from "../../../src/proxy/derive/derive.ts";
import { flowDeriveOptions, flowOptions } from "../../fixtures/flow_options.ts";
import { IptablesNetwork } from "../../fixtures/iptables_network.ts";
import { serviceOf, sliceOf, type Scenario } from "../../trace/flows.ts";

let proxied: IptablesNetwork;
beforeAll(async () => {
  proxied = await IptablesNetwork.start("nft", ["TCP"]);
});
afterAll(() => proxied?.stop());

const scenario: Scenario = {
  name: "switch",
  exposed: true,
  endpoints: [{ pod: "one" }, { pod: "two" }, { pod: "other" }],
  flows: [],
};

function filled({ ruleset, kernel }: FamilyRules): ModeKernel {
  const derived = deriveService(
    serviceOf(scenario, "IPv4", "TCP"),
    [sliceOf(scenario, "IPv4", "TCP")],
    "IPv4",
    flowDeriveOptions("IPv4", scenario),
  );
  for (const [name, wanted] of derived) ruleset.set(name, wanted);
  return kernel;
}

it("serves all the while, both ways, in both variants", async () => {
  const { namespace } = proxied.network.hosts.node;
  const nftables = await RealNftables.open(namespace);
  const config = kubeProxyConfiguration.parse({
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "iptables",
  });
  // The network's own chains are in the way of what is tested.
  const variants = (["nft", "legacy"] as const).map((variant) => openIptables("iptables", variant, namespace));
  const traffic = new Traffic();
  try {
    await filled(nftablesRules(nftables, flowOptions("IPv4"))).repair();
    expect((await removeOwnChains(variants)).removed).toEqual(["iptables-nft"]);
    traffic.start();
    for (const port of variants) {
      const ports = { IPv4: port, IPv6: port };
      const iptables = iptablesMode({ iptables: ports, config, randomFully: true });
      await filled(iptables.rules(flowOptions("IPv4"))).repair();
      await removeTables(nftables);
      await traffic.more();
      await filled(nftablesRules(nftables, flowOptions("IPv4"))).repair();
      expect((await removeOwnChains(variants)).removed).toEqual([port.name]);
      await traffic.more();
      expect((await port.save()).match(/^.*(KUBE-S|FAIRLEAD).*$/gm)).toBeNull();
    }
  } finally {
    await traffic.stop();
    nftables.close();
  }
  expect(traffic.failures).toEqual([]);
});

/** Connections to the cluster IP and the load balancer, one after another and some at a time. */
class Traffic {
  readonly failures: unknown[] = [];
  #answers = 0;
  #isOver = false;
  #running: Promise<unknown> = Promise.resolve();

  start(): void {
    this.#running = Promise.all([this.#ask("cluster IP"), this.#ask("load balancer"), this.#ask("node port")]);
  }

  /** Some more were answered. */
  async more(): Promise<void> {
    const until = this.#answers + 30;
    while (this.#answers < until && this.failures.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #ask(to: "cluster IP" | "load balancer" | "node port"): Promise<void> {
    while (!this.#isOver) {
      const answer = await proxied.ask("client", to, "IPv4", "TCP");
      if ("error" in answer) this.failures.push({ to, ...answer });
      else this.#answers++;
    }
  }
}
