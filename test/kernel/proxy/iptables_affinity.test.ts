/** sessionAffinity ClientIP by `-m recent`, with real packets: a client stays at its backend as long as that is there. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { IpFamily } from "../../../src/model/service.ts";
import { IptablesNetwork } from "../../fixtures/iptables_network.ts";
import { families } from "../../fixtures/node_network.ts";
import type { PeerProtocol } from "../../fixtures/peer.ts";
import type { Destination, Pod, Scenario } from "../../trace/flows.ts";

const everyPod = ["one", "two", "other"] as const;
const local = { externalTrafficPolicy: "Local" } as const;

let proxied: IptablesNetwork;
beforeAll(async () => {
  proxied = await IptablesNetwork.start("nft");
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

describe.each(families)("sessionAffinity ClientIP in the iptables mode, %s", (family) => {
  for (const protocol of ["TCP", "UDP"] as const) {
    for (const to of ["cluster IP", "node port"] as const) {
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
        // A backend that comes back has no claim on the client: its list went with its chain.
        await proxied.program(affine(everyPod), family, protocol);
        expect(await reached(to, family, protocol)).toEqual([second]);
      });
    }
  }

  it("stays on this node by policy Local, and ends with its time", async () => {
    const spec = { ...local, sessionAffinityConfig: { clientIP: { timeoutSeconds: 1 } } };
    await proxied.program(affine(everyPod, spec), family, "TCP");
    const seen = new Set<Pod>();
    for (let i = 0; i < 40 && seen.size < 2; i++) {
      // xt_recent counts in whole seconds, and every packet begins them anew.
      if (i > 0) await sleep(2100);
      for (const pod of await reached("load balancer", family, "TCP", 2)) seen.add(pod);
    }
    expect([...seen].sort()).toEqual(["one", "two"]);
  });
});
