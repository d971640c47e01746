/**
 * Services change at random in the real kernel: after each change the table is what a fresh start would program,
 * no transaction is refused, and a connection to another Service lives on.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { NftablesPort } from "../../../src/kernel/ports.ts";
import { endpointSlice, steadyService } from "../../fixtures/steady_service.ts";
import { seededRandom } from "../../fixtures/fuzz/random.ts";
import { families } from "../../fixtures/node_network.ts";
import { ProxiedNetwork } from "../../fixtures/proxied_network.ts";
import { seed } from "../../fixtures/seed.ts";
import { changeServices, type ProxiedService } from "../../fixtures/walk/proxied_services.ts";
import { Agent, changeSettings, expectFresh, firstSettings } from "../../fixtures/walk/proxied_tables.ts";

const walks = process.env["FAIRLEAD_LONG"] === "1" ? 300 : 3;
const steps = 50;

let proxied: ProxiedNetwork;
beforeAll(async () => {
  proxied = await ProxiedNetwork.start([]);
  await proxied.serveEcho();
});
afterAll(() => proxied?.stop());

/** A transaction that is refused would be repaired, and so hidden. */
function strict(port: NftablesPort, refusals: unknown[]): NftablesPort {
  const transact: NftablesPort["transact"] = (given) =>
    port.transact(given).catch((error: unknown) => {
      refusals.push(error);
      throw error;
    });
  return new Proxy(port, {
    get: (target, name) =>
      name === "transact" ? transact : (target[name as keyof NftablesPort] as () => void).bind(target),
  });
}

it(`${walks} walks of ${steps} changes, from seed ${seed}`, { timeout: 3_600_000 }, async () => {
  for (let walk = 0; walk < walks; walk++) await walkOnce(seed + walk);
});

async function walkOnce(walkSeed: number): Promise<void> {
  const random = seededRandom(walkSeed);
  const refusals: unknown[] = [];
  const agent = new Agent(strict(proxied.port, refusals));
  const services = new Map<string, ProxiedService>();
  for (const family of families) {
    services.set(`steady-${family}`, { service: steadyService(family), slices: [endpointSlice(family)] });
  }
  let settings = firstSettings;
  await agent.adopt();
  agent.want(services, settings);
  await agent.repair();
  const connections = await Promise.all(families.map((family) => proxied.connect("client", "cluster IP", family)));
  for (let step = 0; step < steps; step++) {
    const where = `seed ${walkSeed}, step ${step}`;
    if (random.oneIn(10)) settings = changeSettings(random);
    else for (let n = random.int(3); n >= 0; n--) changeServices(services, random);
    agent.want(services, settings);
    await agent.sync();
    expect(refusals, where).toEqual([]);
    await expectFresh(proxied.port, services, settings).catch((error: unknown) => {
      throw new Error(where, { cause: error });
    });
    for (const connection of connections) expect(await connection.say(`step ${step}`), where).toBe(`step ${step}`);
  }
  await Promise.all(connections.map((connection) => connection.close()));
  expect(await agent.repair()).toBe(0);
}
