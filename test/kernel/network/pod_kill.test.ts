/** An agent that is killed while pods come and go: nothing leaks, and no address is two pods'. */
import { spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, it } from "vitest";
import { native, type NativeNamespace } from "../../../src/kernel/native.ts";
import { run } from "../../fixtures/namespace.ts";
import { churnRanges, type ChurnStep } from "../../fixtures/pod_churn.ts";
import { networkConfig, PodNode } from "../../fixtures/pod_node.ts";

const isLong = process.env["FAIRLEAD_LONG"] === "1";
const rounds = isLong ? 10 : 5;
/** Steps of a round behind which the agent is killed. */
const stepsOfRound = isLong ? 1500 : 60;
/** After so many ms more, one a round: pods come and go in waves, and no wave has always the same moment. */
const pausesMs = [0, 3, 8, 15, 30];
const slots = isLong ? 500 : 12;

let node: PodNode;
let pods: NativeNamespace[];
beforeEach(async () => {
  node = await PodNode.start({ podCidrs: () => churnRanges });
  pods = await Promise.all(Array.from({ length: slots }, () => native().createNamespace()));
});
afterEach(() => {
  for (const pod of pods) pod.close();
  node.stop();
});

/** @returns what the agent told of, until it was killed */
async function killedChurn(round: number): Promise<readonly ChurnStep[]> {
  const pathOf = (namespace: NativeNamespace): string => `/proc/${process.pid}/fd/${namespace.fd}`;
  const script = path.resolve("dist/test/fixtures/pod_churn.js");
  const argv = [`--net=${pathOf(node.namespace)}`, process.execPath, script, node.folder, ...pods.map(pathOf)];
  const child = spawn("nsenter", argv, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const deadline = setTimeout(() => child.kill("SIGKILL"), 120_000);
  const steps: ChurnStep[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    steps.push(JSON.parse(line) as ChurnStep);
    if (steps.length !== stepsOfRound) continue;
    setTimeout(() => child.kill("SIGKILL"), pausesMs[round % pausesMs.length]);
  }
  clearTimeout(deadline);
  await ended;
  expect(steps.length).toBeGreaterThanOrEqual(stepsOfRound);
  return steps;
}

/** Who has been told that it has which addresses, and has not been told to lose them. @throws where two have the same */
function holders(steps: readonly ChurnStep[]): Map<string, readonly string[]> {
  const held = new Map<string, readonly string[]>();
  for (const step of steps) {
    if (step.step === "added") {
      const others = [...held.values()].flat();
      expect(step.ips.filter((address) => others.includes(address))).toEqual([]);
      held.set(step.containerId, step.ips);
    } else if (step.step === "deleting") held.delete(step.containerId);
  }
  return held;
}

it(
  "is restarted to what it told of, and all of that can be taken away",
  async () => {
    for (let round = 0; round < rounds; round++) {
      const steps = await killedChurn(round);
      const held = holders(steps);
      await node.restart();
      // What was half-made was taken back.
      expect(node.network.attached().filter(({ isReady }) => !isReady)).toEqual([]);
      const attached = new Map(node.network.attached().map((one) => [one.containerId, one.detail.link]));
      for (const [containerId, ips] of held) {
        expect(attached.get(containerId)?.addresses.map(({ address }) => address)).toEqual(ips);
      }
      const links = await run(node.namespace, ["ip", "-br", "link"]);
      expect(links.match(/flp\S*(?=@)/g)?.sort() ?? []).toEqual(
        [...attached.values()].map((one) => one.hostLink).sort(),
      );
      expect(node.network.addressesInUse).toBe(2 * attached.size);
      const rules = await run(node.namespace, ["nft", "list", "ruleset"]);
      expect(rules.match(/"flp/g)?.length ?? 0).toBe(3 * attached.size);

      // The runtime knows of none of them any more.
      await node.network.collect({ config: networkConfig(), validAttachments: [] });
      expect(await run(node.namespace, ["ip", "-br", "link"])).not.toContain("flp");
      expect(await run(node.namespace, ["ip", "route"])).toBe("");
      expect(await run(node.namespace, ["nft", "list", "ruleset"])).not.toContain('"flp');
      expect([node.network.attached(), node.network.addressesInUse]).toEqual([[], 0]);
      for (const pod of pods) expect(await run(pod, ["ip", "-br", "link"])).not.toContain("eth0");
    }
  },
  rounds * 130_000,
);
