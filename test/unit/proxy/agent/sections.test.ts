/** The sections of KubeProxyConfiguration from the file to the kernel: what the agent itself makes of them, in each mode. */
import { afterEach, describe, expect, it } from "vitest";
import type { Client, WatchObserver } from "../../../../src/api/client.ts";
import type { ResourceType } from "../../../../src/api/resource_types.ts";
import { kubeProxyConfiguration, type KubeProxyConfiguration } from "../../../../src/config/kube_proxy.ts";
import type { FakeIptables } from "../../../../src/kernel/fake/iptables.ts";
import type { EndpointSlice, KubeObject } from "../../../../src/model/kubernetes.ts";
import { ProxyAgent } from "../../../../src/proxy/agent/agent.ts";
import { iptablesMode } from "../../../../src/proxy/agent/iptables_mode.ts";
import { ipvsMode } from "../../../../src/proxy/agent/ipvs_mode.ts";
import type { ProxyMode } from "../../../../src/proxy/agent/mode.ts";
import { addresses } from "../../../fixtures/addresses.ts";
import { eventually } from "../../../fixtures/eventually.ts";
import { FakeClock } from "../../../fixtures/fake_clock.ts";
import { FakeIpvsPorts } from "../../../fixtures/fake_ipvs_ports.ts";
import { nodeName, serviceOf, sliceOf, type EndpointState } from "../../../trace/flows.ts";
import { scenarios } from "../../../trace/scenarios.ts";

const { clusterCidr, node: nodeAddress } = addresses.IPv4;
const scenario = scenarios[0]!;

/** An API server of one Service, whose endpoints change. */
class Api {
  readonly #observers = new Map<string, WatchObserver<KubeObject>>();
  #version = 1;

  readonly client = {
    list: ({ plural }: ResourceType<KubeObject>) =>
      Promise.resolve({ items: this.#objects(plural), resourceVersion: String(this.#version) }),
    watch: ({ plural }: ResourceType<KubeObject>, _: unknown, observer: WatchObserver<KubeObject>) => {
      this.#observers.set(plural, observer);
      return () => this.#observers.delete(plural);
    },
  } as unknown as Client;

  #objects(plural: string): readonly object[] {
    const node = {
      metadata: { name: nodeName, uid: "n", resourceVersion: "1" },
      status: { addresses: [{ type: "InternalIP", address: nodeAddress }] },
    };
    const of: Readonly<Record<string, object>> = {
      nodes: node,
      services: serviceOf(scenario, "IPv4", "TCP"),
      endpointslices: this.#slice(scenario.endpoints),
    };
    return of[plural] ? [of[plural]] : [];
  }

  #slice(endpoints: readonly EndpointState[]): EndpointSlice {
    const slice = sliceOf({ ...scenario, endpoints }, "IPv4", "TCP");
    const labels = { "kubernetes.io/service-name": "web" };
    return { ...slice, metadata: { ...slice.metadata, labels, resourceVersion: String(this.#version) } };
  }

  endpoints(...endpoints: readonly EndpointState[]): void {
    this.#version += 1;
    this.#observers.get("endpointslices")!.onEvent({ type: "MODIFIED", object: this.#slice(endpoints) });
  }
}

interface Modes {
  readonly of: (config: KubeProxyConfiguration, ports: FakeIpvsPorts, clock: FakeClock) => ProxyMode;
  /** What one endpoint alone makes of the kernel. */
  readonly balances: (ports: FakeIpvsPorts) => Promise<number>;
}

const both = (iptables: FakeIptables) => ({ IPv4: iptables, IPv6: iptables });
const modes: Readonly<Record<"iptables" | "ipvs", Modes>> = {
  iptables: {
    of: (config, { iptables }) => iptablesMode({ iptables: both(iptables), config, randomFully: true }),
    balances: async ({ iptables }) => (await iptables.save()).match(/--to-destination/g)?.length ?? 0,
  },
  ipvs: {
    of: (config, ports, clock) =>
      ipvsMode({
        ipvs: ports.ipvs,
        ipset: ports.ipset,
        addresses: ports.addresses,
        iptables: both(ports.iptables),
        config,
        randomFully: true,
        clock,
        onLackingScheduler: () => undefined,
      }),
    balances: async ({ ipvs }) => (await ipvs.list()).flatMap(({ destinations }) => destinations).length,
  },
};

const running: ProxyAgent[] = [];
afterEach(async () => {
  for (const agent of running.splice(0)) await agent.stop();
});

async function started(name: "iptables" | "ipvs", sections: object) {
  const config = kubeProxyConfiguration.parse({
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: name,
    clusterCIDR: clusterCidr,
    ...sections,
  });
  const [api, clock, ports] = [new Api(), new FakeClock(), await FakeIpvsPorts.create()];
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const { client } = api;
  const mode = modes[name].of(config, ports, clock);
  const agent = new ProxyAgent({
    client,
    mode,
    routing: ports.routing,
    config,
    nodeName,
    families: ["IPv4"],
    clock,
    log,
  });
  running.push(agent);
  await agent.start();
  return { api, clock, ports, balances: () => modes[name].balances(ports) };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

describe.each(["iptables", "ipvs"] as const)("mode %s", (name) => {
  it("marks with iptables.masqueradeBit, what iptables.masqueradeAll says", async () => {
    const ofClusterIp =
      name === "iptables" ? /-A KUBE-SVC-\S+ .*-j KUBE-MARK-MASQ/g : /^.*KUBE-CLUSTER-IP.*MARK-MASQ$/gm;
    for (const [masqueradeBit, masqueradeAll] of [
      [9, true],
      [20, false],
    ] as const) {
      const { ports } = await started(name, { iptables: { masqueradeBit, masqueradeAll } });
      const saved = await ports.iptables.save();
      const mark = `0x${(1 << masqueradeBit).toString(16)}`;
      expect(saved).toContain(`-A KUBE-MARK-MASQ -j MARK --set-xmark ${mark}/${mark}`);
      const [rule, ...others] = saved.match(ofClusterIp) ?? [];
      expect(others).toEqual([]);
      expect(rule!.includes(`! -s ${clusterCidr}`)).toBe(!masqueradeAll);
    }
  });

  it(`looks after ${name}.syncPeriod whether its rules are there still`, async () => {
    const { clock, ports, balances } = await started(name, { [name]: { syncPeriod: "77s", minSyncPeriod: "1s" } });
    const there = await ports.iptables.save();
    for (const table of ["mangle", "nat", "filter"]) {
      const chains = (await ports.iptables.list(table)).match(/^:(KUBE|FAIRLEAD)-\S+/gm) ?? [];
      const jumps = (await ports.iptables.list(table)).match(/^-A (?!KUBE-|FAIRLEAD-).*$/gm) ?? [];
      const lines = [...chains.map((chain) => `${chain} - [0:0]`), ...jumps.map((rule) => rule.replace("-A", "-D"))];
      const gone = chains.map((chain) => `-X ${chain.slice(1)}`);
      await ports.iptables.restore(`*${table}\n${[...lines, ...gone].join("\n")}\nCOMMIT\n`);
    }
    clock.advance(76_000);
    await settled();
    expect(await ports.iptables.save()).not.toContain("KUBE-");
    clock.advance(1000);
    await eventually("the rules", async () => (await ports.iptables.save()).length === there.length);
    expect(await balances()).toBe(scenario.endpoints.length);
  });

  it(`writes no more often than ${name}.minSyncPeriod says, once two writes have followed one another`, async () => {
    const { api, clock, balances } = await started(name, { [name]: { minSyncPeriod: "20s" } });
    api.endpoints({ pod: "one" });
    await eventually("the second write", async () => (await balances()) === 1);
    api.endpoints({ pod: "one" }, { pod: "two" });
    await settled();
    clock.advance(19_999);
    await settled();
    expect(await balances()).toBe(1);
    clock.advance(1);
    await eventually("the third write", async () => (await balances()) === 2);
  });
});
