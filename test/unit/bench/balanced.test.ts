/** What is compared of IPVS and of iptables is the same cluster, and the text of kube-proxy's shape is one that iptables takes. */
import { expect, it } from "vitest";
import { restoreText } from "../../../bench/drivers/ipvs/content.ts";
import { balancedByIptables, balancedByIpvs } from "../../../bench/drivers/ipvs/listing.ts";
import { clusterIp, endpointAddresses } from "../../../bench/drivers/proxy/content.ts";
import { IptablesTexts } from "../../../bench/drivers/proxy/iptables_text.ts";
import { FakeIptables } from "../../../src/kernel/fake/iptables.ts";

const size = { services: 5, endpoints: 4 };

it("listings of both name each frontend with each backend", async () => {
  const iptables = new FakeIptables();
  const texts = new IptablesTexts(size, endpointAddresses(0, size));
  await iptables.restore(texts.all());
  const there = balancedByIptables(await iptables.list("nat"));
  expect(there).toHaveLength(20);
  expect(there).toEqual(balancedByIpvs(restoreText(size)));
});

it("a change replaces the first Service's endpoints, and leaves nothing of them", async () => {
  const iptables = new FakeIptables();
  const texts = new IptablesTexts(size, endpointAddresses(0, size));
  await iptables.restore(texts.all());
  await iptables.restore(texts.change(["10.0.1.8", "10.0.1.9"]));
  const there = balancedByIptables(await iptables.list("nat"));
  const ofFirst = there.filter((pair) => pair.startsWith(`${clusterIp(0)}:`));
  expect(ofFirst).toEqual(["10.0.1.8", "10.0.1.9"].map((address) => `${clusterIp(0)}:80 ${address}:8080`));
  expect(there).toHaveLength(18);
  const chains = (await iptables.list("nat")).match(/^:KUBE-SEP-/gm);
  expect(chains).toHaveLength(18);
});
