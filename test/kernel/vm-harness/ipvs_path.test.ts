/** What IPVS costs each connection, and our port each load, in instructions: the same whatever else the host does. */
import { describe, expect, test } from "vitest";
import { runGuest } from "../../../bench/drivers/ipvs/load.ts";
import { ipvsPath } from "../../../bench/drivers/ipvs/path.ts";
import { countInstructions } from "../../vm/harness/instructions/count.ts";
import { direct, type Scenario } from "../../vm/harness/instructions/scenarios.ts";

const size = { connections: 100, batches: 15 };
const isLong = process.env["FAIRLEAD_LONG"] === "1";
/** Of some 161,000 that a direct connection takes; seen: 14,500 with few Services, 15,500 with 10,000. */
const mostAboveDirect = 17_500;
const services = isLong ? 10_000 : 500;

/** Without what the guest does beside: its timers and threads add to a batch, and take nothing from one. */
async function least(scenario: Scenario): Promise<number> {
  return Math.min(...(await countInstructions({ ...scenario, ...size })).batches);
}

test("IPVS costs a connection little, with many Services too", { timeout: 900_000 }, async () => {
  const without = await least(direct);
  const above = (await least(ipvsPath(services, { reroute: false }))) - without;
  const figures = `direct ${without}, ${services} Services ${above} more`;
  // Less than that is no balancing: packets went through.
  expect(above, figures).toBeGreaterThan(8000);
  expect(above, figures).toBeLessThanOrEqual(mostAboveDirect);
});

if (isLong) {
  describe("our port", () => {
    const cluster = { services: 10_000, endpoints: 4, changes: 400 };

    test("loads a cluster for less than ipvsadm does, and the same", { timeout: 900_000 }, async () => {
      const ours = await runGuest("port", cluster);
      const theirs = await runGuest("ipvsadm", { ...cluster, changes: 0 });
      expect(ours.outcome).toBe(theirs.outcome);
      expect(ours.load, `million instructions, ipvsadm ${theirs.load}`).toBeLessThan(theirs.load);
      const few = await runGuest("port", { ...cluster, services: 10 });
      expect(ours.change, `thousand instructions, at 10 Services ${few.change}`).toBeLessThan(few.change * 1.1);
    });
  });
}
