/** Services change at random under connections through the relay: those live on, and new ones go where they should. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { nftablesRules } from "../../../src/proxy/agent/nftables_mode.ts";
import { deriveService } from "../../../src/proxy/derive/derive.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { seededRandom } from "../../fixtures/fuzz/random.ts";
import { flowDeriveOptions, flowOptions } from "../../fixtures/flow_options.ts";
import type { Connection } from "../../fixtures/proxied_network.ts";
import { seed } from "../../fixtures/seed.ts";
import { UserspaceNetwork } from "../../fixtures/userspace_network.ts";
import { nodePort, serviceOf, sliceOf, type Pod, type Scenario } from "../../trace/flows.ts";

const steps = process.env["FAIRLEAD_LONG"] === "1" ? 300 : 12;
const pods: readonly Pod[] = ["one", "two", "other"];

let proxied: UserspaceNetwork;
beforeAll(async () => {
  proxied = await UserspaceNetwork.start([]);
  await proxied.serveEcho();
});
afterAll(() => proxied?.stop());

const withPods = (chosen: readonly Pod[]): Scenario => ({
  name: "change",
  exposed: true,
  flows: [],
  endpoints: chosen.map((pod) => ({ pod })),
});

it(`connections live on over ${steps} changes, with the Service gone too`, async () => {
  const random = seededRandom(seed);
  const open: Connection[] = [];
  for (let step = 0; step < steps; step++) {
    const chosen = pods.filter(() => random.oneIn(2));
    await proxied.program(withPods(chosen), "IPv4", "TCP");
    const from = random.oneIn(2) ? "client" : "node";
    const attempt = proxied.connect(from, random.oneIn(2) ? "cluster IP" : "node port", "IPv4");
    if (chosen.length === 0) await expect(attempt, `seed ${seed}, step ${step}`).rejects.toThrow("ECONNREFUSED");
    else open.push(await attempt);
    for (const [i, connection] of open.entries()) {
      const text = `seed ${seed}, step ${step}, connection ${i}`;
      expect(await connection.say(text)).toBe(text);
    }
  }
  for (const connection of open) await connection.close();
});

it("counts what it relays of each frontend, and shows it beside what the table counts", async () => {
  const countOf = async () => {
    const counts = await proxied.rules.IPv4.kernel.counts();
    return counts.find(({ address, port }) => address === undefined && port === nodePort)!;
  };
  await proxied.program(withPods(pods), "IPv4", "TCP");
  const before = await countOf();
  const connection = await proxied.connect("client", "node port", "IPv4");
  const greeted = await countOf();
  expect(greeted.packets - before.packets).toBe(1n);
  expect(greeted.relayed!.connections - before.relayed!.connections).toBe(1n);
  await connection.say("hello");
  // An answer is there a moment before it is counted.
  await eventually("five bytes each way", async () => {
    const { bytesIn, bytesOut } = (await countOf()).relayed!;
    return bytesIn - greeted.relayed!.bytesIn === 5n && bytesOut - greeted.relayed!.bytesOut === 5n;
  });
  await connection.close();
});

it("gives its table over to the nftables mode, and takes it back, in one transaction each: connections live on", async () => {
  const scenario = withPods(pods);
  const derived = deriveService(
    serviceOf(scenario, "IPv4", "TCP"),
    [sliceOf(scenario, "IPv4", "TCP")],
    "IPv4",
    flowDeriveOptions("IPv4", scenario),
  );
  await proxied.program(scenario, "IPv4", "TCP");
  const relayed = await proxied.connect("client", "cluster IP", "IPv4");
  const { ruleset, kernel } = nftablesRules(proxied.nftables, flowOptions("IPv4"));
  for (const [name, wanted] of derived) ruleset.set(name, wanted);
  await kernel.repair();
  const translated = await proxied.connect("client", "cluster IP", "IPv4");
  await proxied.rules.IPv4.kernel.repair();
  const again = await proxied.connect("client", "cluster IP", "IPv4");
  for (const connection of [relayed, translated, again]) {
    expect(await connection.say("hello")).toBe("hello");
    await connection.close();
  }
});
