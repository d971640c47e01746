/** What a runtime forgets to delete leaves nothing on the node. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { Abandoned, graceMs } from "../../../src/network/abandoned/abandoned.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";
import { run } from "../../fixtures/namespace.ts";
import { PodNode, type Pod } from "../../fixtures/pod_node.ts";

let node: PodNode;
let abandoned: Abandoned;
let sandboxes: string[];
const clock = new FakeClock();
const errors: unknown[] = [];
beforeEach(async () => {
  node = await PodNode.start();
  sandboxes = [];
  abandoned = new Abandoned({
    attached: () => node.network.attached(),
    links: () => node.ports.routing.links({ kind: "veth" }),
    sandboxes: () => Promise.resolve(sandboxes),
    release: (attachment) => node.network.release(attachment),
    inTurn: (_, work) => work(),
    onReleased: () => undefined,
    onError: (error) => errors.push(error),
    clock,
  });
  abandoned.start();
});
afterEach(async () => {
  await abandoned.stop();
  node.stop();
});

const addPod = (name: string): Promise<Pod> => node.add({ args: new Map([["K8S_POD_NAME", name]]) });

async function remains({ ip, hostLink }: { ip: Pod["ip"]; hostLink: string }): Promise<string[]> {
  const links = await run(node.namespace, ["ip", "-br", "link"]);
  const routes = await run(node.namespace, ["ip", "route"]);
  const rules = await run(node.namespace, ["nft", "list", "ruleset"]);
  const leased = node.network.attached().flatMap(({ detail }) => detail.link.addresses.map(({ address }) => address));
  return [
    ...(links.includes(hostLink) ? ["link"] : []),
    ...(routes.includes(ip.IPv4) ? ["route"] : []),
    ...(rules.includes(ip.IPv4) || rules.includes(ip.IPv6) ? ["rules"] : []),
    ...(leased.includes(ip.IPv4) ? ["lease"] : []),
  ];
}

const linkOf = ({ request }: Pod): string =>
  node.network.attached().find(({ containerId }) => containerId === request.containerId)!.hostLink;

it("takes link, route, rules and addresses of sandboxes that are gone, and of no others", async () => {
  const [kept, lost, bare] = [await addPod("kept"), await addPod("lost"), await addPod("bare")];
  sandboxes = [kept.request.containerId, bare.request.containerId];
  const all = [kept, lost, bare].map((pod) => ({ ip: pod.ip, hostLink: linkOf(pod) }));
  for (const pod of all) expect(await remains(pod)).toEqual(["link", "route", "rules", "lease"]);
  // As when its namespace goes: the runtime knows the sandbox, and nobody calls DEL.
  await run(node.namespace, ["ip", "link", "delete", all[2]!.hostLink]);
  const waits = () => eventually("the next look", () => clock.waiting > 0);
  for (let passedMs = 0; passedMs <= graceMs; passedMs += 60_000) {
    await waits();
    expect(node.network.addressesInUse).toBe(6);
    clock.advance(60_000);
  }
  await eventually("their end", () => node.network.addressesInUse === 2);
  await waits();
  expect(await remains(all[0]!)).toEqual(["link", "route", "rules", "lease"]);
  expect(await remains(all[1]!)).toEqual([]);
  expect(await remains(all[2]!)).toEqual([]);
  expect(errors).toEqual([]);
});
