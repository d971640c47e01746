/** A change costs what changed, whatever else there is. */
import { describe, expect, it } from "vitest";
import type { NftStep } from "../../../../src/kernel/netlink/nftables/step.ts";
import { planChanges } from "../../../../src/proxy/modes/nftables/plan.ts";
import { fixedChains } from "../../../../src/proxy/modes/nftables/table.ts";
import { arrange } from "../../../../src/proxy/modes/nftables/render.ts";
import type { Ruleset } from "../../../../src/proxy/modes/nftables/ruleset.ts";
import { kernelElements } from "../../../fixtures/ruleset_form.ts";
import { endpoints, rulesetOf, servicePort, wanted } from "../../../fixtures/proxied.ts";

function programmed(services: number, each: number): Ruleset {
  const ruleset = rulesetOf();
  for (let i = 0; i < services; i++) ruleset.set(`s${i}`, wanted(servicePort(i), endpoints(each, i * each)));
  ruleset.clean();
  return ruleset;
}

/** What a plan does, a line a kind of step and set. */
function summary(steps: readonly NftStep[]): readonly string[] {
  return steps.map((step) => {
    if ("elements" in step) return `${step.step} ${step.set} ${step.elements.length}`;
    if ("chain" in step) return `${step.step} ${typeof step.chain === "string" ? step.chain : step.chain.name}`;
    return `${step.step} ${"name" in step ? step.name : ""}`;
  });
}

describe("a change", () => {
  for (const services of [10, 2000]) {
    it(`of one of ${services} Services touches its own elements alone`, () => {
      const ruleset = programmed(services, 4);
      ruleset.set("s3", wanted(servicePort(3), endpoints(3, 12)));
      expect(summary(planChanges(ruleset))).toEqual([
        "add chain cluster-3-masquerade-off-cluster",
        "add rule cluster-3-masquerade-off-cluster",
        "add rule cluster-3-masquerade-off-cluster",
        "delete elements frontends 1",
        "delete elements endpoints 1",
        "add elements frontends 1",
      ]);
    });
  }

  it("that leaves everything as it is plans nothing", () => {
    const ruleset = programmed(10, 4);
    ruleset.set("s3", wanted(servicePort(3), endpoints(4, 12)));
    expect(planChanges(ruleset)).toEqual([]);
  });

  it("and back again before it was written plans nothing", () => {
    const ruleset = programmed(10, 4);
    ruleset.set("s3", undefined);
    expect(planChanges(ruleset)).not.toEqual([]);
    ruleset.set("s3", wanted(servicePort(3), endpoints(4, 12)));
    expect(planChanges(ruleset)).toEqual([]);
  });

  it("of one of 1,000 endpoints moves one other at most", () => {
    const ruleset = programmed(1, 1000);
    const all = endpoints(1000);
    ruleset.set("s0", wanted(servicePort(0), [...all.slice(0, 100), ...all.slice(101)]));
    const steps = summary(planChanges(ruleset)).filter((line) => line.includes(" endpoints "));
    expect(steps).toEqual(["delete elements endpoints 2", "add elements endpoints 1"]);
  });

  it("takes away the chain that nobody goes to any more, behind those who went there", () => {
    const ruleset = programmed(1, 4);
    ruleset.set("s0", undefined);
    expect(summary(planChanges(ruleset))).toEqual([
      "delete elements frontends 1",
      "delete elements endpoints 4",
      "delete elements cluster-ips 1",
      "flush chain cluster-4-masquerade-off-cluster",
      "delete chain cluster-4-masquerade-off-cluster",
    ]);
  });
});

describe("a cluster IP of two ports", () => {
  it("stays while one of them is there", () => {
    const ruleset = rulesetOf();
    ruleset.set("a", wanted(servicePort(1), endpoints(1)));
    ruleset.set("b", wanted(servicePort(1, { port: 81 }), endpoints(1)));
    ruleset.clean();
    ruleset.set("a", undefined);
    expect(summary(planChanges(ruleset))).toEqual(["delete elements frontends 1", "delete elements endpoints 1"]);
  });
});

describe("a frontend that two Services want", () => {
  const external = { externalIps: ["198.51.100.1" as never] };

  it("is the first one's by name, and the other's when that goes", () => {
    const ruleset = rulesetOf();
    ruleset.set("b", wanted(servicePort(2, external), endpoints(2, 10)));
    ruleset.clean();
    ruleset.set("a", wanted(servicePort(1, external), endpoints(1)));
    expect(ruleset.conflicts().map(({ refused }) => refused)).toEqual([["b"]]);
    const before = new Map(ruleset.sets.get("endpoints"));
    ruleset.set("a", undefined);
    expect(ruleset.conflicts()).toEqual([]);
    expect(ruleset.sets.get("endpoints")).not.toEqual(before);
    expect(planChanges(ruleset)).toEqual([]);
  });

  it("is as the kernel has it after a restart, whoever comes first", () => {
    const ruleset = rulesetOf();
    const [first, second] = [
      wanted(servicePort(1, external), endpoints(4)),
      wanted(servicePort(2, external), endpoints(3, 10)),
    ];
    ruleset.set("a", first);
    ruleset.clean();
    ruleset.set("a", wanted(servicePort(1, external), endpoints(3, 1)));
    ruleset.set("b", second);
    const restarted = rulesetOf();
    restarted.adopt(kernelElements(ruleset));
    restarted.set("b", second);
    restarted.set("a", wanted(servicePort(1, external), endpoints(3, 1)));
    expect(restarted.sets).toEqual(ruleset.sets);
  });
});

describe("backends' places", () => {
  it("are kept by those who stay", () => {
    expect(arrange(["a", "b", "c", "d"], ["d", "c", "a"])).toEqual(["a", "d", "c"]);
    expect(arrange(["a", "b"], ["b", "c", "a"])).toEqual(["a", "b", "c"]);
    expect(arrange([], ["x", "y"])).toEqual(["x", "y"]);
  });
});

function rulesAnew(chain: string, rules: number): readonly string[] {
  return [`flush chain ${chain}`, ...Array.from({ length: rules }, () => `add rule ${chain}`)];
}

describe("options that change", () => {
  it("change the rules that are made of them, and no others", () => {
    const ruleset = programmed(3, 2);
    ruleset.setServiceCidrs(["10.97.0.0/16", "10.98.0.0/16"]);
    expect(summary(planChanges(ruleset))).toEqual([...rulesAnew("prerouting", 5), ...rulesAnew("output", 5)]);
    ruleset.clean();
    expect(planChanges(ruleset)).toEqual([]);
  });

  it("reach the fan-out chains that tell pods from others", () => {
    const ruleset = programmed(3, 2);
    ruleset.set("s9", wanted(servicePort(9), endpoints(7)));
    ruleset.setLocalDetector({ mode: "none" });
    expect(summary(planChanges(ruleset)).filter((line) => line.startsWith("flush"))).toEqual([
      "flush chain cluster-2-masquerade-off-cluster",
      "flush chain external-local",
      "flush chain external-local-nodeport",
    ]);
    const [added] = planChanges(ruleset).filter((step) => step.step === "add chain");
    expect(added).toMatchObject({ chain: { name: "cluster-7-masquerade-off-cluster" } });
  });

  it("and back again plan nothing", () => {
    const ruleset = programmed(3, 2);
    const { options } = ruleset;
    ruleset.setLocalDetector({ mode: "none" });
    ruleset.configure({ ...options, nodePortAddresses: [] });
    expect(summary(planChanges(ruleset))).toEqual(["delete elements nodeport-addresses 1"]);
    ruleset.configure(options);
    expect(planChanges(ruleset)).toEqual([]);
  });
});

describe("the table", () => {
  it("has no chain that sees more than a connection's first packet", () => {
    for (const family of ["IPv4", "IPv6"] as const) {
      const types = fixedChains({ ...rulesetOf().options, family, nodePortAddresses: [], serviceCidrs: [] })
        .flatMap(({ chain }) => (chain.base ? [chain.base] : []))
        .map(({ hook, type }) => `${hook} ${type}`);
      expect(types).toEqual(["prerouting nat", "output nat", "postrouting nat"]);
    }
  });
});
