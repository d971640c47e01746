/** Services change at random: after each change the chains are what a fresh start would program, and nothing is refused. */
import { expect, it } from "vitest";
import { FakeIptables } from "../../../../src/kernel/fake/iptables.ts";
import { seededRandom } from "../../../fixtures/fuzz/random.ts";
import { seed } from "../../../fixtures/seed.ts";
import { expectFreshChains, IptablesAgent } from "../../../fixtures/walk/iptables_chains.ts";
import { changeServices, type ProxiedService } from "../../../fixtures/walk/proxied_services.ts";
import { changeSettings, firstSettings } from "../../../fixtures/walk/proxied_tables.ts";

const walks = process.env["FAIRLEAD_LONG"] === "1" ? 300 : 5;
const steps = 50;

it(`${walks} walks of ${steps} changes`, { timeout: 3_600_000 }, async () => {
  for (let walk = 0; walk < walks; walk++) await walkOnce(seed + walk);
});

async function walkOnce(walkSeed: number): Promise<void> {
  const random = seededRandom(walkSeed);
  const ports = { IPv4: new FakeIptables(), IPv6: new FakeIptables() };
  const agent = new IptablesAgent(ports);
  const services = new Map<string, ProxiedService>();
  let settings = firstSettings;
  await agent.repair();
  for (let step = 0; step < steps; step++) {
    const where = `seed ${walkSeed}, step ${step}`;
    if (random.oneIn(10)) settings = changeSettings(random);
    else for (let n = random.int(3); n >= 0; n--) changeServices(services, random);
    agent.want(services, settings);
    const before = [ports.IPv4.restored.length, ports.IPv6.restored.length];
    await agent.sync();
    // One that is refused would be repaired, and so hidden.
    const after = [ports.IPv4.restored.length, ports.IPv6.restored.length];
    expect(Math.max(after[0]! - before[0]!, after[1]! - before[1]!), where).toBeLessThanOrEqual(1);
    await expectFreshChains(ports, services, settings).catch((error: unknown) => {
      throw new Error(where, { cause: error });
    });
  }
}
