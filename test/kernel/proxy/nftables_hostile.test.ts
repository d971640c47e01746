/** All malformed and hostile objects in one table of the real kernel: none stops the others. */
import { expect, it } from "vitest";
import { RealNftables } from "../../../src/kernel/real/nftables.ts";
import { planChanges } from "../../../src/proxy/modes/nftables/plan.ts";
import { NftablesTable } from "../../../src/proxy/apply/nftables.ts";
import { deriveService } from "../../../src/proxy/derive/derive.ts";
import { families } from "../../fixtures/node_network.ts";
import { hostileCases } from "../../fixtures/hostile_services.ts";
import { useNamespace } from "../../fixtures/namespace.ts";
import { rulesetOf } from "../../fixtures/proxied.ts";

const namespace = useNamespace();
const options = { node: { name: "node", zone: "" }, masqueradeAll: false };

it("hostile objects of every kind are programmed together, each as alone", async () => {
  const port = await RealNftables.open(namespace());
  try {
    for (const family of families) {
      const ruleset = rulesetOf(family);
      const table = new NftablesTable(port, ruleset);
      await table.repair();
      for (const { service, slices } of hostileCases) {
        for (const [name, wanted] of deriveService(service, slices, family, options)) ruleset.set(name, wanted);
        // A refused transaction would be repaired, and so hidden.
        await port.transact(planChanges(ruleset));
        ruleset.clean();
      }
      expect(await table.repair()).toBe(0);
      if (family === "IPv4") expect(ruleset.sets.get("frontends")!.size).toBeGreaterThan(15);
    }
  } finally {
    port.close();
  }
});
