/**
 * Services change at random in the real kernel, iptables fails now and then, and others meddle with the chains: after each
 * change they are what a fresh start would program, and a start where nothing is wrong writes nothing.
 */
import { it } from "vitest";
import { FairleadError } from "../../../src/errors/catalogue.ts";
import { openIptables, type IptablesVariantName } from "../../../src/kernel/real/iptables.ts";
import type { IptablesPort } from "../../../src/kernel/ports.ts";
import { seededRandom, type Random } from "../../fixtures/fuzz/random.ts";
import { useNamespace } from "../../fixtures/namespace.ts";
import { seed } from "../../fixtures/seed.ts";
import { expectFreshChains, IptablesAgent } from "../../fixtures/walk/iptables_chains.ts";
import { changeServices, type ProxiedService } from "../../fixtures/walk/proxied_services.ts";
import { changeSettings, firstSettings } from "../../fixtures/walk/proxied_tables.ts";

const isLong = process.env["FAIRLEAD_LONG"] === "1";
const walks = isLong ? 50 : 1;
const steps = isLong ? 50 : 8;
/** Calls that may fail in a row before the test gives up. */
const maxAttempts = 200;

const namespace = useNamespace();

it.each(["nft", "legacy"] as const)(
  `${walks} walks of ${steps} changes with faults, iptables-%s`,
  { timeout: 3_600_000 },
  async (variant) => {
    for (let walk = 0; walk < walks; walk++) {
      await walkOnce(seed + walk, variant).catch((error: unknown) => {
        throw new Error(`seed ${seed + walk}`, { cause: error });
      });
    }
  },
);

/** Fails in one call of three: before, or behind, what it was asked to do. */
function faulty(port: IptablesPort, random: Random): IptablesPort {
  return {
    ...port,
    restore: async (input) => {
      if (!random.oneIn(3)) return port.restore(input);
      if (random.oneIn(2)) await port.restore(input);
      throw new FairleadError("NATIVE_CALL", { subject: `run ${port.name}-restore`, reason: "lost" });
    },
  };
}

async function walkOnce(walkSeed: number, variant: IptablesVariantName): Promise<void> {
  const random = seededRandom(walkSeed);
  const ports = {
    IPv4: openIptables("iptables", variant, namespace()),
    IPv6: openIptables("ip6tables", variant, namespace()),
  };
  const failing = { IPv4: faulty(ports.IPv4, random), IPv6: faulty(ports.IPv6, random) };
  const services = new Map<string, ProxiedService>();
  let settings = firstSettings;
  let agent = new IptablesAgent(failing);
  for (let step = 0; step < steps; step++) {
    if (random.oneIn(8)) settings = changeSettings(random);
    else changeServices(services, random);
    const isKilled = random.oneIn(6);
    const isDisturbed = step > 0 && random.oneIn(4);
    if (isDisturbed) await meddle(ports.IPv4, random);
    if (isKilled) agent = new IptablesAgent(failing);
    agent.want(services, settings);
    await attempt(() => (isDisturbed ? agent.repair() : agent.sync()));
    await expectFreshChains(ports, services, settings);
  }
}

/** What others do: they empty a table, a chain, or put a rule into one. */
async function meddle(port: IptablesPort, random: Random): Promise<void> {
  const input = random.pick([
    "*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n",
    "*nat\n-F\n-X\nCOMMIT\n",
    "*filter\n-I KUBE-SERVICES -j DROP\nCOMMIT\n",
    "*nat\n-A KUBE-SERVICES -j RETURN\nCOMMIT\n",
    "*mangle\n-X KUBE-PROXY-CANARY\nCOMMIT\n",
  ]);
  await port.restore(input);
}

async function attempt(action: () => Promise<unknown>): Promise<void> {
  for (let left = maxAttempts; ; left--) {
    try {
      return void (await action());
    } catch (error) {
      if (!(error instanceof FairleadError) || left === 0) throw error;
    }
  }
}
