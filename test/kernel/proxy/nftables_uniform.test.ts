/** Connections are spread evenly over backends: chi-square over real ones. (Traces hold it exactly.) */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { families } from "../../fixtures/node_network.ts";
import { ProxiedNetwork } from "../../fixtures/proxied_network.ts";
import type { Scenario } from "../../trace/flows.ts";

const connections = process.env["FAIRLEAD_LONG"] === "1" ? 10_000 : 600;
/** At a time. */
const width = 30;

/** With three backends chi-square is above x for one in e^(x/2) of fair runs: here one in 10^7. */
const bound = 2 * Math.log(1e7);

let proxied: ProxiedNetwork;
beforeAll(async () => {
  proxied = await ProxiedNetwork.start();
});
afterAll(() => proxied?.stop());

const scenario: Scenario = {
  name: "three backends",
  exposed: true,
  endpoints: [{ pod: "one" }, { pod: "two" }, { pod: "other" }],
  flows: [],
};

/** Of counts that should all be the same. */
function chiSquare(counts: readonly number[]): number {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
}

describe.each(families)(`${connections} connections, %s`, (family) => {
  it.each(["cluster IP", "node port"] as const)("to the %s", { timeout: 300_000 }, async (to) => {
    await proxied.program(scenario, family, "TCP");
    const counts = new Map<string, number>();
    for (let done = 0; done < connections; done += width) {
      const asks = Array.from({ length: width }, () => proxied.ask("client", to, family, "TCP"));
      for (const answer of await Promise.all(asks)) {
        const pod = "answer" in answer ? answer.answer.split(" ")[0]! : `failed: ${answer.error}`;
        counts.set(pod, (counts.get(pod) ?? 0) + 1);
      }
    }
    expect([...counts.keys()].sort()).toEqual(["one", "other", "two"]);
    expect(chiSquare([...counts.values()])).toBeLessThan(bound);
  });
});

it("the measure tells an even spread from an uneven one", () => {
  expect(chiSquare([200, 200, 200])).toBe(0);
  expect(chiSquare([150, 220, 230])).toBeLessThan(bound);
  expect(chiSquare([120, 240, 240])).toBeGreaterThan(bound);
});
