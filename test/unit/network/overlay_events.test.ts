/** Which addresses that come and go make the overlay look again at its links. */
import { describe, expect, it } from "vitest";
import type { RoutingEvent } from "../../../src/kernel/ports.ts";
import { goingLinkGroup, podLinkGroup } from "../../../src/network/links/names.ts";
import { meaningOf, type Known } from "../../../src/network/overlay/events.ts";

const none = new Map<number, string>();
const underlay = { index: 2, device: "eth0", mtu: 1500 };

function known(underlays: object): Known {
  return {
    vteps: [],
    underlays: underlays,
    names: none,
    vtepNames: none,
    wanted: new Map(),
    isVtep: () => false,
  };
}

const both = known({ ip: { ...underlay, address: "172.18.0.1" }, ip6: { ...underlay, address: "fd00::1" } });
const unfound = known({});

function address(value: object): RoutingEvent {
  return { event: "new", object: "address", value } as RoutingEvent;
}

describe("an address of a link", () => {
  const linkLocal = { index: 2, family: "ip6", scope: "link", prefixLength: 64, address: "fe80::1" };

  it.each([
    ["the kernel's own of the node's link", linkLocal, both, undefined],
    ["the kernel's own where the node's address is not found", linkLocal, unfound, undefined],
    ["another of the node's link", { ...linkLocal, scope: "universe", address: "fd00::2" }, both, "observe"],
    [
      "an IPv4 one of the node's link",
      { index: 2, family: "ip", scope: "link", local: "169.254.0.2" },
      both,
      "observe",
    ],
    ["one of another link", { index: 3, family: "ip", local: "192.0.2.1" }, both, undefined],
    ["the node's, on another link", { index: 3, family: "ip", local: "172.18.0.1" }, both, "observe"],
    [
      "a pod's link's where the node's is not found",
      { index: 3, family: "ip", local: "169.254.1.1" },
      unfound,
      undefined,
    ],
    ["any where the node's is not found", { index: 3, family: "ip", local: "192.0.2.1" }, unfound, "observe"],
  ] as const)("%s", (_, value, state, meaning) => {
    expect(meaningOf(address(value), state)).toBe(meaning);
  });
});

describe("a link that comes where the node's is not found", () => {
  it.each([
    ["any", 0, "observe"],
    ["a pod's", podLinkGroup, undefined],
    ["a pod's that is about to go", goingLinkGroup, undefined],
  ])("%s", (_, group, meaning) => {
    const event = { event: "new", object: "link", value: { index: 3, name: "veth", flags: ["up"], group } };
    expect(meaningOf(event as unknown as RoutingEvent, unfound)).toBe(meaning);
  });
});
