/** Nodes and faults at random, on this kernel. */
import { it } from "vitest";
import { openRouting } from "../../../src/kernel/real/routing.ts";
import fc from "../../fixtures/property.ts";
import { withNamespace } from "../../fixtures/namespace.ts";
import { OverlayWalk } from "../../fixtures/walk/overlay.ts";

const long = process.env["FAIRLEAD_LONG"] === "1";

it(
  "whatever nodes do and others break, the kernel has what the nodes want",
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.gen(), async (gen) => {
        await withNamespace(async (namespace) => {
          const port = await openRouting({ namespace });
          const draw = (n: number): number => gen(fc.nat, { max: n - 1 });
          try {
            await new OverlayWalk({ steps: long ? 60 : 15, draw, port }).run();
          } finally {
            port.close();
          }
        });
      }),
      { numRuns: long ? 20 : 2, endOnFailure: true },
    );
  },
  long ? 600_000 : 60_000,
);
