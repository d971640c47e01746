/** sessionAffinity ClientIP with real packets: a client stays at its backend, and is never sent where it cannot go. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { affine, endsWithItsTime, everyPod, keepsClientUntilItsBackendGoes, reached } from "../../fixtures/affinity.ts";
import { families } from "../../fixtures/node_network.ts";
import { ProxiedNetwork } from "../../fixtures/proxied_network.ts";

let proxied: ProxiedNetwork;
beforeAll(async () => {
  proxied = await ProxiedNetwork.start();
});
afterAll(() => proxied?.stop());

describe.each(families)("sessionAffinity ClientIP, %s", (family) => {
  for (const protocol of ["TCP", "UDP"] as const) {
    for (const to of ["cluster IP", "external IP", "load balancer", "node port"] as const) {
      it(`keeps a client at its backend, by ${protocol} to the ${to}, until that goes`, () =>
        keepsClientUntilItsBackendGoes(proxied, to, family, protocol));
    }
  }

  it("forgets a backend elsewhere when the policy becomes Local, and remembers it when that ends", async () => {
    const ask = (asks?: number) => reached(proxied, "load balancer", family, "TCP", asks);
    await proxied.program(affine(["other"]), family, "TCP");
    expect(await ask(1)).toEqual(["other"]);
    await proxied.program(affine(everyPod, { externalTrafficPolicy: "Local" }), family, "TCP");
    const [here, ...more] = await ask();
    expect(more).toEqual([]);
    expect(["one", "two"]).toContain(here);
    await proxied.program(affine(everyPod), family, "TCP");
    expect(await ask()).toEqual(["other"]);
  });

  it("stays on this node by policy Local, and ends with its time", () =>
    endsWithItsTime(proxied, family, { waitMs: 1100 }));
});
