/**
 * Services change while the kernel fails, others meddle with the table, and the agent is killed: it always comes
 * back to what a fresh start would program, and a start where nothing is wrong writes nothing.
 */
import { afterEach, beforeEach, expect, it } from "vitest";
import { FairleadError } from "../../../src/errors/catalogue.ts";
import { RealNftables } from "../../../src/kernel/real/nftables.ts";
import type { NftStep } from "../../../src/kernel/netlink/nftables/step.ts";
import { drop } from "../../../src/proxy/modes/nftables/match.ts";
import type { NftTable } from "../../../src/kernel/netlink/nftables/state.ts";
import { FaultyNftables } from "../../fixtures/faulty_nftables.ts";
import { seededRandom, type Random } from "../../fixtures/fuzz/random.ts";
import { run, useNamespace } from "../../fixtures/namespace.ts";
import { seed } from "../../fixtures/seed.ts";
import { changeServices, type ProxiedService } from "../../fixtures/walk/proxied_services.ts";
import { Agent, changeSettings, expectFresh, firstSettings } from "../../fixtures/walk/proxied_tables.ts";

const walks = process.env["FAIRLEAD_LONG"] === "1" ? 100 : 3;
const steps = 40;
/** Calls that may fail in a row before the test gives up. */
const maxAttempts = 200;

const namespace = useNamespace();
let port: RealNftables;
beforeEach(async () => {
  port = await RealNftables.open(namespace());
});
afterEach(() => port.close());

it(`${walks} walks of ${steps} changes with faults, from seed ${seed}`, { timeout: 3_600_000 }, async () => {
  for (let walk = 0; walk < walks; walk++) {
    const where = `seed ${seed + walk}`;
    await walkOnce(seed + walk).catch((error: unknown) => {
      throw new Error(where, { cause: error });
    });
  }
});

async function walkOnce(walkSeed: number): Promise<void> {
  const random = seededRandom(walkSeed);
  const faulty = new FaultyNftables(port, random);
  const services = new Map<string, ProxiedService>();
  let settings = firstSettings;
  let agent = await start();
  faulty.oneIn = 3;
  for (let step = 0; step < steps; step++) {
    if (random.oneIn(8)) settings = changeSettings(random);
    else changeServices(services, random);
    const { disturbed, killed } = await trouble(random);
    if (killed) agent = await start();
    agent.want(services, settings);
    // Who is told of a foreign change, or starts, looks at the whole table.
    await attempt(() => (disturbed || killed ? agent.repair() : agent.sync()));
    await expectFresh(port, services, settings);
  }
  expect(faulty.failures).toBeGreaterThan(steps / 4);
  faulty.oneIn = 0;
  expect(await agent.repair()).toBe(0);
  const restarted = await start();
  restarted.want(services, settings);
  expect(await restarted.repair()).toBe(0);

  async function start(): Promise<Agent> {
    const fresh = new Agent(faulty.whole);
    await attempt(() => fresh.adopt());
    if (services.size === 0) await attempt(() => fresh.repair());
    return fresh;
  }
}

/** What others do to the table, or to the agent. */
async function trouble(random: Random): Promise<{ readonly disturbed: boolean; readonly killed: boolean }> {
  const killed = random.oneIn(6);
  const disturbed = random.oneIn(4);
  if (disturbed) await meddle(random);
  return { disturbed, killed };
}

async function meddle(random: Random): Promise<void> {
  if (random.oneIn(3)) return void (await run(namespace(), ["nft", "flush", "ruleset"]));
  const table = await port.list({ family: random.pick(["ip", "ip6"] as const), name: "fairlead" });
  const step = table && random.pick([emptyChain, emptySet, deleteElement, insertRule])(table, random);
  // By a socket that does not fail: nft has words that are no names of chains.
  if (step) await port.transact([step]);
}

function emptyChain(table: NftTable, random: Random): NftStep {
  return { step: "flush chain", table, name: random.pick(table.chains).name };
}

function emptySet(table: NftTable, random: Random): NftStep {
  return { step: "flush set", table, name: random.pick(table.sets).name };
}

function deleteElement(table: NftTable, random: Random): NftStep | undefined {
  const set = random.pick(table.sets.filter(({ elements }) => elements.length > 0));
  const { key, keyEnd } = random.pick(set.elements);
  return { step: "delete elements", table, set: set.name, elements: [{ key: key!, ...(keyEnd ? { keyEnd } : {}) }] };
}

function insertRule(table: NftTable, random: Random): NftStep {
  return { step: "insert rule", table, chain: random.pick(table.chains).name, rule: { expressions: [drop] } };
}

async function attempt<T>(action: () => Promise<T>): Promise<T> {
  for (let left = maxAttempts; ; left--) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof FairleadError) || left === 0) throw error;
    }
  }
}
