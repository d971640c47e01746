/**
 * Services change at random in front of a real relay: after each change it and the table are what a fresh start would
 * tell them, no transaction is refused, and a connection to another Service lives on.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { seededRandom } from "../../fixtures/fuzz/random.ts";
import { families } from "../../fixtures/node_network.ts";
import { seed } from "../../fixtures/seed.ts";
import { endpointSlice, steadyService } from "../../fixtures/steady_service.ts";
import { UserspaceNetwork } from "../../fixtures/userspace_network.ts";
import { changeServices, type ProxiedService } from "../../fixtures/walk/proxied_services.ts";
import { changeSettings, firstSettings } from "../../fixtures/walk/proxied_tables.ts";
import { expectFreshRelayed, UserspaceAgent, WatchedRelay } from "../../fixtures/walk/userspace_rules.ts";

const walks = process.env["FAIRLEAD_LONG"] === "1" ? 300 : 2;
const steps = 50;

let proxied: UserspaceNetwork;
let relay: WatchedRelay;
beforeAll(async () => {
  proxied = await UserspaceNetwork.start([]);
  await proxied.serveEcho();
  relay = new WatchedRelay(proxied.relay);
});
afterAll(() => proxied?.stop());

it(`${walks} walks of ${steps} changes, from seed ${seed}`, { timeout: 3_600_000 }, async () => {
  for (let walk = 0; walk < walks; walk++) await walkOnce(seed + walk);
});

async function walkOnce(walkSeed: number): Promise<void> {
  const random = seededRandom(walkSeed);
  const { nftables } = proxied;
  const agent = new UserspaceAgent(nftables, relay);
  const services = new Map<string, ProxiedService>();
  for (const family of families) {
    services.set(`steady-${family}`, { service: steadyService(family), slices: [endpointSlice(family)] });
  }
  let settings = firstSettings;
  await agent.adopt();
  agent.want(services, settings);
  await agent.repair();
  const connect = () => Promise.all(families.map((family) => proxied.connect("client", "cluster IP", family)));
  const connections = await connect();
  for (let step = 0; step < steps; step++) {
    const where = `seed ${walkSeed}, step ${step}`;
    if (random.oneIn(10)) settings = changeSettings(random);
    else for (let n = random.int(3); n >= 0; n--) changeServices(services, random);
    agent.want(services, settings);
    expect(await listsOf(nftables, () => agent.sync()), where).toBe(0);
    await expectFreshRelayed(nftables, relay, services, settings).catch((cause: unknown) => {
      throw new Error(where, { cause });
    });
    for (const connection of connections) expect(await connection.say(where), where).toBe(where);
  }
  for (const connection of [...connections, ...(await connect())]) {
    expect(await connection.say("the end")).toBe("the end");
    await connection.close();
  }
  expect(await agent.repair()).toBe(0);
  agent.want(new Map(), settings);
  await agent.sync();
  expect(relay.frontends.size).toBe(0);
}

/** A transaction that is refused is followed by a list, and so hidden. */
async function listsOf(port: UserspaceNetwork["nftables"], work: () => Promise<unknown>): Promise<number> {
  const list = port.list.bind(port);
  let lists = 0;
  port.list = (table) => ((lists += 1), list(table));
  try {
    await work();
  } finally {
    port.list = list;
  }
  return lists;
}
