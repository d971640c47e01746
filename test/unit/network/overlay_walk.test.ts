/** Nodes and faults at random, on the fake kernel. */
import { it } from "vitest";
import { FakeNetwork } from "../../../src/kernel/fake/routing.ts";
import fc from "../../fixtures/property.ts";
import { OverlayWalk } from "../../fixtures/walk/overlay.ts";

const long = process.env["FAIRLEAD_LONG"] === "1";

it(
  "whatever nodes do and others break, the kernel has what the nodes want",
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.gen(), async (gen) => {
        const port = new FakeNetwork().createNamespace().openRouting();
        const draw = (n: number): number => gen(fc.nat, { max: n - 1 });
        await new OverlayWalk({ steps: long ? 60 : 15, draw, port }).run();
      }),
      { numRuns: long ? 30 : 3, endOnFailure: true },
    );
  },
  long ? 600_000 : 30_000,
);
