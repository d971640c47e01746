/** Services change at random: after each change there is what a fresh start would program, and nothing is refused. */
import { expect, it } from "vitest";
import { seededRandom } from "../../../fixtures/fuzz/random.ts";
import { seed } from "../../../fixtures/seed.ts";
import { expectFreshServers, fakeFamilies, IpvsAgent } from "../../../fixtures/walk/ipvs_servers.ts";
import { changeServices, type ProxiedService } from "../../../fixtures/walk/proxied_services.ts";
import { changeSettings, firstSettings } from "../../../fixtures/walk/proxied_tables.ts";

const walks = process.env["FAIRLEAD_LONG"] === "1" ? 200 : 4;
const steps = 40;

it(`${walks} walks of ${steps} changes`, { timeout: 3_600_000 }, async () => {
  for (let walk = 0; walk < walks; walk++) await walkOnce(seed + walk);
});

async function walkOnce(walkSeed: number): Promise<void> {
  const random = seededRandom(walkSeed);
  const ports = await fakeFamilies();
  const agent = new IpvsAgent(ports);
  const services = new Map<string, ProxiedService>();
  let settings = firstSettings;
  await agent.repair();
  // What is refused would be repaired, and so hidden: a repair begins with a list.
  let lists = 0;
  const { ipset } = ports.IPv4;
  const list = ipset.list.bind(ipset);
  for (let step = 0; step < steps; step++) {
    const where = `seed ${walkSeed}, step ${step}`;
    if (random.oneIn(10)) settings = changeSettings(random);
    else for (let n = random.int(3); n >= 0; n--) changeServices(services, random);
    agent.want(services, settings);
    ipset.list = (...given) => ((lists += 1), list(...given));
    await agent.sync();
    ipset.list = list;
    expect(lists, where).toBe(0);
    await expectFreshServers(ports, services, settings).catch((error: unknown) => {
      throw new Error(where, { cause: error });
    });
  }
}
