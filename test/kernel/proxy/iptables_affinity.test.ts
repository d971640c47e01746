/** sessionAffinity ClientIP by `-m recent`, with real packets. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { endsWithItsTime, keepsClientUntilItsBackendGoes } from "../../fixtures/affinity.ts";
import { IptablesNetwork } from "../../fixtures/iptables_network.ts";
import { families } from "../../fixtures/node_network.ts";

let proxied: IptablesNetwork;
beforeAll(async () => {
  proxied = await IptablesNetwork.start("nft");
});
afterAll(() => proxied?.stop());

describe.each(families)("sessionAffinity ClientIP in the iptables mode, %s", (family) => {
  for (const protocol of ["TCP", "UDP"] as const) {
    for (const to of ["cluster IP", "node port"] as const) {
      it(`keeps a client at its backend, by ${protocol} to the ${to}, until that goes`, () =>
        keepsClientUntilItsBackendGoes(proxied, to, family, protocol));
    }
  }

  it("stays on this node by policy Local, and ends with its time", () =>
    // xt_recent counts in whole seconds, and every packet begins them anew.
    endsWithItsTime(proxied, family, { waitMs: 2100, asks: 2 }));
});
