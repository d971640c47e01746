/**
 * Services change while the kernel fails, others meddle with what is programmed, connections keep destinations, and the agent
 * is killed: it always comes back to what a fresh start would program, and a start where nothing is wrong writes nothing.
 */
import { expect, it } from "vitest";
import type { FakeIpvs } from "../../../../src/kernel/fake/ipvs.ts";
import { fakeFamilies } from "../../../fixtures/walk/ipvs_servers.ts";
import { walkWithFaults } from "../../../fixtures/walk/ipvs_fault_walk.ts";
import { seededRandom, type Random } from "../../../fixtures/fuzz/random.ts";
import { seed } from "../../../fixtures/seed.ts";

const walks = process.env["FAIRLEAD_LONG"] === "1" ? 300 : 2;
const steps = 40;

it(`${walks} walks of ${steps} changes with faults, from seed ${seed}`, { timeout: 3_600_000 }, async () => {
  for (let walk = 0; walk < walks; walk++) await walkOnce(seed + walk);
});

async function walkOnce(walkSeed: number): Promise<void> {
  const ports = await fakeFamilies();
  const { ipvs, routing } = ports.IPv4;
  const random = seededRandom(walkSeed + 1);
  const failures = await walkWithFaults({
    ports,
    routing,
    seed: walkSeed,
    steps,
    connect: () => connect(ipvs, random),
    disconnect: () => load(ipvs, () => 0),
  });
  expect(failures, `seed ${walkSeed}`).toBeGreaterThan(steps / 4);
}

/** Some destinations have connections, and must not go while they do. */
function connect(ipvs: FakeIpvs, random: Random): Promise<void> {
  return load(ipvs, () => (random.oneIn(3) ? 1 : 0));
}

async function load(ipvs: FakeIpvs, connectionsOf: () => number): Promise<void> {
  for (const { key, destinations } of await ipvs.list()) {
    for (const one of destinations) ipvs.load(key, one, { activeConnections: connectionsOf() });
  }
}
