/** What a Service costs each connection, in instructions: the same whatever else the host does. */
import { expect, test } from "vitest";
import { proxyPath } from "../../../bench/drivers/proxy/kernel_path.ts";
import { countInstructions } from "../../vm/harness/instructions/count.ts";
import { direct, type Scenario } from "../../vm/harness/instructions/scenarios.ts";

const size = { connections: 100, batches: 15 };
/** Of some 156,000 that a direct connection takes. */
const mostAboveDirect = 23_000;
/** Sizes of the cluster; the difference between two is for long runs. */
const sizes = process.env["FAIRLEAD_LONG"] === "1" ? [10, 10_000] : [10_000];

/** Without what the guest does beside: its timers and threads add to a batch, and take nothing from one. */
async function least(scenario: Scenario): Promise<number> {
  return Math.min(...(await countInstructions({ ...scenario, ...size })).batches);
}

test("our table costs a connection little, and no more with many Services", { timeout: 300_000 }, async () => {
  const without = await least(direct);
  const above: number[] = [];
  for (const services of sizes) above.push((await least(await proxyPath(services))) - without);
  const figures = `direct ${without}, with ${sizes.join(" and ")} Services ${above.join(" and ")} more`;
  // Conntrack alone takes more than that: packets went through.
  expect(Math.min(...above), figures).toBeGreaterThan(10_000);
  expect(Math.max(...above), figures).toBeLessThanOrEqual(mostAboveDirect);
  expect(Math.max(...above) - Math.min(...above), figures).toBeLessThan(1500);
});
