/** What a Service costs each connection, in instructions: the same whatever else the host does. */
import { expect, test } from "vitest";
import { proxyPath, translationAlone } from "../../../bench/drivers/proxy/kernel_path.ts";
import { countInstructions } from "../../vm/harness/instructions/count.ts";
import { direct, type Scenario } from "../../vm/harness/instructions/scenarios.ts";

const size = { connections: 100, batches: 15 };
/** Of some 161,000 that a direct connection takes; seen: 27,500. */
const mostAboveDirect = 28_500;
/** Of what we can help: how a backend is found. Seen: 1,300; with filter chains, that see each packet, 9,100. */
const mostAboveTranslation = 2200;
/** Sizes of the cluster; the difference between two is for long runs. */
const sizes = process.env["FAIRLEAD_LONG"] === "1" ? [10, 10_000] : [10_000];

/** Without what the guest does beside: its timers and threads add to a batch, and take nothing from one. */
async function least(scenario: Scenario): Promise<number> {
  return Math.min(...(await countInstructions({ ...scenario, ...size })).batches);
}

test("our table costs a connection little, and no more with many Services", { timeout: 600_000 }, async () => {
  const without = await least(direct);
  const translation = (await least(translationAlone)) - without;
  const above: number[] = [];
  for (const services of sizes) above.push((await least(await proxyPath(services))) - without);
  const figures = `direct ${without}, one rule ${translation} more, ${sizes.join(" and ")} Services ${above.join(" and ")} more`;
  // Conntrack alone takes more than that: packets went through.
  expect(Math.min(...above), figures).toBeGreaterThan(20_000);
  expect(Math.max(...above), figures).toBeLessThanOrEqual(mostAboveDirect);
  expect(Math.max(...above) - translation, figures).toBeLessThanOrEqual(mostAboveTranslation);
  expect(Math.max(...above) - Math.min(...above), figures).toBeLessThan(1000);
});
