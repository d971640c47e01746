/** sessionAffinity ClientIP with real packets: a client stays at its backend, and is never sent where it cannot go. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { IpFamily } from "../../../src/model/service.ts";
import { families } from "../../fixtures/node_network.ts";
import type { PeerProtocol } from "../../fixtures/peer.ts";
import { ProxiedNetwork } from "../../fixtures/proxied_network.ts";
import type { Destination, Pod, Scenario } from "../../trace/flows.ts";

const everyPod = ["one", "two", "other"] as const;
const everywhere = ["cluster IP", "external IP", "load balancer", "node port"] as const;
const local = { externalTrafficPolicy: "Local" } as const;

let proxied: ProxiedNetwork;
beforeAll(async () => {
  proxied = await ProxiedNetwork.start();
});
afterAll(() => proxied?.stop());

function affine(pods: readonly Pod[], spec: Scenario["spec"] = {}): Scenario {
  return {
    name: "affinity",
    exposed: true,
    spec: { sessionAffinity: "ClientIP", ...spec },
    endpoints: pods.map((pod) => ({ pod })),
    flows: [],
  };
}

const timeout = (timeoutSeconds: number) => ({ sessionAffinityConfig: { clientIP: { timeoutSeconds } } });

/** Backends that answer the client in several attempts: all of them must answer. */
async function reached(to: Destination, family: IpFamily, protocol: PeerProtocol, asks = 12): Promise<readonly Pod[]> {
  const seen = new Set<string>();
  for (let i = 0; i < asks; i++) {
    const result = await proxied.ask("client", to, family, protocol);
    expect(result).toHaveProperty("answer");
    seen.add((result as { answer: string }).answer.split(" ")[0]!);
  }
  return [...seen] as Pod[];
}

describe.each(families)("sessionAffinity ClientIP, %s", (family) => {
  for (const protocol of ["TCP", "UDP"] as const) {
    for (const to of everywhere) {
      it(`keeps a client at its backend, by ${protocol} to the ${to}, until that goes`, async () => {
        await proxied.program(affine(everyPod), family, protocol);
        const [first, ...others] = await reached(to, family, protocol);
        expect(others).toEqual([]);
        // Others come and go, and the client stays.
        await proxied.program(affine([first!]), family, protocol);
        await proxied.program(affine(everyPod), family, protocol);
        expect(await reached(to, family, protocol)).toEqual([first]);
        const rest = everyPod.filter((pod) => pod !== first);
        await proxied.program(affine(rest), family, protocol);
        const [second, ...more] = await reached(to, family, protocol);
        expect(more).toEqual([]);
        expect(rest).toContain(second);
        // A backend that comes back has no claim on the client.
        await proxied.program(affine(everyPod), family, protocol);
        expect(await reached(to, family, protocol)).toEqual([second]);
      });
    }
  }

  it("forgets a backend elsewhere when the policy becomes Local, and remembers it when that ends", async () => {
    await proxied.program(affine(["other"]), family, "TCP");
    expect(await reached("load balancer", family, "TCP", 1)).toEqual(["other"]);
    await proxied.program(affine(everyPod, local), family, "TCP");
    const [here, ...more] = await reached("load balancer", family, "TCP");
    expect(more).toEqual([]);
    expect(["one", "two"]).toContain(here);
    await proxied.program(affine(everyPod), family, "TCP");
    expect(await reached("load balancer", family, "TCP")).toEqual(["other"]);
  });

  it("stays on this node by policy Local, and ends with its time", async () => {
    await proxied.program(affine(everyPod, { ...local, ...timeout(1) }), family, "TCP");
    const seen = new Set<Pod>();
    for (let i = 0; i < 40 && seen.size < 2; i++) {
      if (i > 0) await sleep(1100);
      for (const pod of await reached("load balancer", family, "TCP")) seen.add(pod);
    }
    expect([...seen].sort()).toEqual(["one", "two"]);
  });
});
