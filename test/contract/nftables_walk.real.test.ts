/**
 * The fake against the kernel: the same random transactions, the same refusals, the same listing
 * afterwards. fast-check prints the seed and the shortest walk that tells the two apart.
 */
import fc from "../fixtures/property.ts";
import { expect, it } from "vitest";
import { FakeNftables } from "../../src/kernel/fake/nftables.ts";
import { native } from "../../src/kernel/native.ts";
import type { NftStep } from "../../src/kernel/netlink/nftables/step.ts";
import type { NftablesPort } from "../../src/kernel/ports.ts";
import { RealNftables } from "../../src/kernel/real/nftables.ts";
import { table } from "./nftables/fixtures.ts";
import { anyWalk } from "./nftables/random.ts";
import { listed, outcome } from "./nftables/normal.ts";

const runs = Number(process.env["FAIRLEAD_PROPERTY_RUNS"] ?? 100);
const other = { family: "inet", name: "t" } as const;

it("refuses and lists as the kernel does, whatever the transactions", async () => {
  await fc.assert(fc.asyncProperty(anyWalk, walk), { numRuns: runs });
});

async function walk(transactions: readonly (readonly NftStep[])[]): Promise<void> {
  const namespace = await native().createNamespace();
  const real = await RealNftables.open(namespace);
  const fake = new FakeNftables();
  try {
    for (const steps of transactions) {
      const wanted = await outcome(real, await withHandles(real, steps));

      expect(await outcome(fake, await withHandles(fake, steps)), "outcome").toBe(wanted);
      const all: NftStep[] = [table, other].map((one) => ({ step: "add table", table: one }));
      expect(await listed(fake, all), "listing").toEqual(await listed(real, all));
    }
  } finally {
    real.close();
    namespace.close();
  }
}

/** Random steps say which rule of a chain they mean; each port has a handle of its own for it. */
async function withHandles(port: NftablesPort, steps: readonly NftStep[]): Promise<NftStep[]> {
  const chains = (await port.list(table))?.chains ?? [];
  const handleOf = (chain: string, nth: number): number =>
    chains.find(({ name }) => name === chain)?.rules[nth]?.handle ?? 9999;
  return steps.map((step) => {
    if ("handle" in step) return { ...step, handle: handleOf(step.chain, step.handle) };
    if ("position" in step && step.position !== undefined) {
      return { ...step, position: handleOf(step.chain, step.position) };
    }
    return step;
  });
}
