/**
 * Services change while nf_tables fails, the relay gets no port, others flush the table, and the agent is killed with its relay:
 * it always comes back to what a fresh start would do, and where nothing is wrong it writes nothing.
 */
import { afterEach, beforeEach, expect, it } from "vitest";
import { FairleadError } from "../../../src/errors/catalogue.ts";
import { openRelay } from "../../../src/kernel/real/relay.ts";
import { RealNftables } from "../../../src/kernel/real/nftables.ts";
import { relayListeners } from "../../../src/proxy/agent/userspace_mode.ts";
import { FaultyNftables } from "../../fixtures/faulty_nftables.ts";
import { seededRandom, type Random } from "../../fixtures/fuzz/random.ts";
import { run, useNamespace } from "../../fixtures/namespace.ts";
import { seed } from "../../fixtures/seed.ts";
import { changeServices, type ProxiedService } from "../../fixtures/walk/proxied_services.ts";
import { changeSettings, firstSettings } from "../../fixtures/walk/proxied_tables.ts";
import { expectFreshRelayed, relayMark, UserspaceAgent, WatchedRelay } from "../../fixtures/walk/userspace_rules.ts";

const walks = process.env["FAIRLEAD_LONG"] === "1" ? 300 : 1;
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
    await walkOnce(seed + walk).catch((cause: unknown) => {
      throw new Error(where, { cause });
    });
  }
});

/** An agent with the relay of its process. */
interface Process {
  readonly agent: UserspaceAgent;
  readonly relay: WatchedRelay;
}

async function walkOnce(walkSeed: number): Promise<void> {
  const random = seededRandom(walkSeed);
  const faulty = new FaultyNftables(port, random);
  const services = new Map<string, ProxiedService>();
  let settings = firstSettings;
  let own = await start();
  faulty.oneIn = 3;
  try {
    for (let step = 0; step < steps; step++) {
      if (random.oneIn(8)) settings = changeSettings(random);
      else changeServices(services, random);
      const [isKilled, isDisturbed] = [random.oneIn(6), random.oneIn(4)];
      if (isDisturbed) await meddle(random);
      if (isKilled) {
        await own.relay.close();
        own = await start();
      }
      const { agent, relay } = own;
      agent.want(services, settings);
      // Who is told of a foreign change, or starts, looks at the whole table.
      await attempt(() => (isDisturbed || isKilled ? agent.repair() : agent.sync()));
      await expectFreshRelayed(port, relay, services, settings).catch((cause: unknown) => {
        throw new Error(`step ${step}`, { cause });
      });
    }
    expect(faulty.failures).toBeGreaterThan(steps / 4);
    faulty.oneIn = 0;
    expect(await own.agent.repair()).toBe(0);
  } finally {
    await own.relay.close();
  }

  async function start(): Promise<Process> {
    const opened = await openRelay({
      namespace: namespace(),
      workers: 2,
      mark: relayMark,
      idleMs: 60_000,
      halfClosedMs: 60_000,
      listeners: relayListeners(["IPv4", "IPv6"]),
    });
    const relay = new WatchedRelay(opened, () => faulty.oneIn > 0 && random.oneIn(4));
    const agent = new UserspaceAgent(faulty.whole, relay);
    await attempt(() => agent.adopt());
    return { agent, relay };
  }
}

/** What others do. Ports of the relay's are refused where the machine has none left. */
async function meddle(random: Random): Promise<void> {
  const family = random.pick(["ip", "ip6"] as const);
  const table = await port.list({ family, name: "fairlead" });
  if (!table || random.oneIn(3)) return void (await run(namespace(), ["nft", "flush", "ruleset"]));
  if (random.oneIn(3)) return port.transact([{ step: "delete table", table }]);
  const filled = table.sets.filter(({ elements }) => elements.length > 0);
  const set = random.pick(filled.length > 0 ? filled : table.sets);
  await port.transact([{ step: "flush set", table, name: set.name }]);
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
