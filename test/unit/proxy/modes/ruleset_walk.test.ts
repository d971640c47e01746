/** Services change at random; what the steps leave in the kernel is always what a fresh start would program. */
import { expect, it } from "vitest";
import type { NftStep } from "../../../../src/kernel/netlink/nftables/step.ts";
import { planChanges } from "../../../../src/proxy/modes/nftables/plan.ts";
import type { Ruleset } from "../../../../src/proxy/modes/nftables/ruleset.ts";
import { setNames } from "../../../../src/proxy/modes/nftables/sets.ts";
import type { ServicePort } from "../../../../src/model/service.ts";
import { kernelElements } from "../../../fixtures/ruleset_form.ts";
import fc from "../../../fixtures/property.ts";
import { endpoint, rulesetOf, servicePort, wanted } from "../../../fixtures/proxied.ts";

/** Elements by set, and chains, as the kernel has them. */
class Kernel {
  readonly sets = new Map<string, Map<string, string>>();
  readonly chains = new Set<string>();
  readonly ruled = new Set<string>();

  apply(steps: readonly NftStep[]): void {
    for (const step of steps) {
      if (step.step === "add chain") this.chains.add(step.chain.name);
      else if (step.step === "add rule") this.ruled.add(step.chain);
      else if (step.step === "flush chain") this.ruled.delete(step.name);
      else if (step.step === "delete chain") this.#delete(step.name);
      else if (step.step === "add elements" || step.step === "delete elements") this.#elements(step);
    }
  }

  /** The kernel refuses to delete a chain that has rules. */
  #delete(chain: string): void {
    expect(this.ruled).not.toContain(chain);
    expect(this.chains.delete(chain)).toBe(true);
  }

  #elements(step: Extract<NftStep, { step: "add elements" | "delete elements" }>): void {
    const elements = this.sets.get(step.set) ?? new Map<string, string>();
    this.sets.set(step.set, elements);
    for (const { key, data } of step.elements) {
      const name = Buffer.from(key!).toString("hex");
      // The kernel refuses to delete what is not there, and to add another value beside one.
      if (step.step === "delete elements") expect(elements.delete(name)).toBe(true);
      else expect(elements.has(name)).toBe(false);
      if (step.step === "add elements") elements.set(name, JSON.stringify(data ?? ""));
      const chain = data?.verdict?.chain;
      if (step.step === "add elements" && chain?.match(/-\d/)) expect(this.chains).toContain(chain);
    }
  }
}

/** Every frontend's backends are found, whatever index is drawn. */
function check(ruleset: Ruleset): void {
  const sets = kernelElements(ruleset);
  for (const form of ["address", "nodePort"] as const) {
    const names = setNames[form];
    for (const map of [names.frontends, names.inside, names.outside]) {
      for (const [key, value] of sets.get(map)!) {
        const match = /^goto (cluster|local)(?:-nodeport)?-(\d+).*?(-affinity)?/.exec(value);
        if (!match) continue;
        const scope = match[1] as "cluster" | "local";
        const isAffine = value.includes("-affinity-");
        const places = sets.get(isAffine ? names[`${scope}Affine`] : names[scope])!;
        const own = [...places.keys()].filter((place) => place.slice(0, -4) === key);
        expect(own).toHaveLength(Number(match[2]));
        for (let i = 0; i < own.length; i++) {
          const index = key + String.fromCharCode(i, 0, 0, 0);
          expect(places.has(index)).toBe(true);
          if (isAffine) expect(sets.get(setNames.numbered)!.has(places.get(index)!)).toBe(true);
        }
      }
    }
  }
}

const change = fc.record({
  service: fc.integer({ min: 0, max: 3 }),
  gone: fc.boolean(),
  affine: fc.boolean(),
  isLocal: fc.boolean(),
  exposed: fc.boolean(),
  /** Several Services have one external address. */
  contended: fc.boolean(),
  pods: fc.subarray([1, 2, 3, 4, 5]),
  written: fc.boolean(),
});

const runs = process.env["FAIRLEAD_LONG"] === "1" ? 1000 : 100;

it("what is programmed is what is wanted, after any changes", { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const ruleset = rulesetOf();
      const kernel = new Kernel();
      kernel.apply(planChanges(ruleset));
      ruleset.clean();
      for (const { service, gone, written, ...shape } of changes) {
        ruleset.set(`s${service}`, gone ? undefined : serviceOf(service, shape));
        check(ruleset);
        if (!written) continue;
        kernel.apply(planChanges(ruleset));
        ruleset.clean();
      }
      kernel.apply(planChanges(ruleset));
      expect(hex(ruleset)).toEqual(
        Object.fromEntries(
          [...kernel.sets]
            .filter(([, elements]) => elements.size > 0)
            .map(([name, elements]) => [name, [...elements.keys()].sort()]),
        ),
      );
      expect([...kernel.chains].sort()).toEqual(ruleset.fanOuts().length === 0 ? [] : [...kernel.chains].sort());
    }),
    { numRuns: runs },
  );
});

function hex(ruleset: Ruleset): Record<string, readonly string[]> {
  return Object.fromEntries(
    [...kernelElements(ruleset)]
      .filter(([, elements]) => elements.size > 0)
      .map(([name, elements]) => [
        name,
        [...elements.keys()].map((key) => Buffer.from(key, "latin1").toString("hex")).sort(),
      ]),
  );
}

function serviceOf(
  i: number,
  shape: { affine: boolean; isLocal: boolean; exposed: boolean; contended: boolean; pods: readonly number[] },
) {
  const external = {
    nodePort: 30_000 + i,
    externalIps: [shape.contended ? "198.51.100.1" : `198.51.100.1${i}`],
    loadBalancerIps: [`198.51.100.2${i}`],
  } as unknown as Partial<ServicePort>;
  const port = servicePort(i, {
    ...(shape.exposed ? external : {}),
    externalLocal: shape.isLocal,
    affinitySeconds: shape.affine ? 60 : undefined,
  });
  return wanted(
    port,
    shape.pods.map((pod) => endpoint(`10.244.1.${pod}`, pod < 4)),
  );
}
