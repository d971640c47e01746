/**
 * A pod's link as changes of the kernel's network state: on the node, and in the pod's namespace. Pure.
 *
 * Routed (default): the pod has its address as a host, and the node's end answers for one next hop that is the same
 * for all pods. Both ends know the other's MAC address from the start, so that nothing waits for ARP or neighbour
 * discovery, and nobody can poison them; who asks anyway is answered, because the node's end has the next hop's
 * addresses (IPv4 with scope host, which no packet gets as its source).
 *
 * Bridge: pods share a link with one another and with the node, as containernetworking's bridge plugin links them.
 */
import type { IpAddress } from "../../model/address.ts";
import { familyOfIp } from "../../model/cidr.ts";
import type { RoutingChange } from "../../kernel/ports.ts";
import { familiesOf, type PodAddress, type PodLink, type PodRoute, type RateLimit } from "./link.ts";
import { linkLocal, podLinkGroup, routerAddress, routerMac } from "./names.ts";

/** Changes of one end say index 0 for the end's own: it is known when the link is made. */
export type EndChange = RoutingChange;

type LinkChange = Extract<RoutingChange, { readonly object: "link"; readonly verb: "change" }>;

const up = { flags: ["up"], change: ["up"] } as const;
const noHeader = { family: "unspec", hardwareType: "unspec", index: 0, flags: [], change: [] } as const;
const bitsOf = { IPv4: 32, IPv6: 128 } as const;
const familyOf = { IPv4: "ip", IPv6: "ip6" } as const;

/** Both ends in one message: the pod's is born in its namespace. It cannot be up at birth: its other end is not there yet. */
export function renderPair(link: PodLink, podNamespaceFd: number, bridgeIndex: number | undefined): RoutingChange {
  const peer = { ...noHeader, name: link.ifName, address: link.mac, mtu: link.mtu, netnsFd: podNamespaceFd };
  return {
    verb: "add",
    object: "link",
    value: {
      name: link.hostLink,
      mtu: link.mtu,
      group: podLinkGroup,
      ...(link.mode === "routed" ? { address: routerMac } : {}),
      ...(bridgeIndex === undefined ? {} : { master: bridgeIndex }),
      info: { kind: "veth", peer },
    },
  };
}

/** What the node's end has, in an order in which the kernel takes it. */
export function renderHostEnd(link: PodLink): readonly EndChange[] {
  return [...renderHostLink(link), ...renderHostPlace(link)];
}

/** The node's end itself, told by its name: behind the message that makes it, before its index is known. */
export function renderNodeLink(link: PodLink): readonly RoutingChange[] {
  const named = { name: link.hostLink };
  return renderHostLink(link).map(({ value: { index: _, ...value } }) => ({
    verb: "change",
    object: "link",
    value: { ...value, ...named },
  }));
}

function renderHostLink(link: PodLink): readonly LinkChange[] {
  return [
    // A link-local address of its own would wait for duplicate address detection.
    ...(familiesOf(link).has("IPv6") ? [noGeneratedAddress] : []),
    ...(link.mode === "bridge" ? [hairpin] : []),
    setUp(link.alias),
  ];
}

/** What is at the node's end: addresses, neighbours, routes, and what the pod's traffic waits in. */
export function renderHostPlace(link: PodLink): readonly EndChange[] {
  const shaped = renderLimit(link.ingress, link.mtu);
  if (link.mode === "bridge") return shaped;
  return [
    ...[...familiesOf(link)].map((family) => addAddress(routerAddress[family], family === "IPv4" ? 32 : 64, "host")),
    ...link.addresses.map(({ address }) => neighbor(address, link.mac)),
    ...link.addresses.map(({ address, family }) => route({ destination: address, prefixLength: bitsOf[family] })),
    ...shaped,
  ];
}

/** What the pod's end has. The loopback is set up apart from it. */
export function renderPodEnd(link: PodLink): readonly EndChange[] {
  const families = familiesOf(link);
  return [
    ...(families.has("IPv6") ? [noGeneratedAddress] : []),
    setUp(),
    ...(families.has("IPv6") ? [addAddress(linkLocal(link.mac), 64)] : []),
    ...link.addresses.map((address) => addAddress(address.address, podPrefixLength(link, address))),
    ...(link.mode === "routed" ? [...families].flatMap(toRouter) : []),
    ...link.routes.map((wanted) => podRoute(link, wanted)),
    ...renderLimit(link.egress, link.mtu),
  ];
}

/** Of the pod's address in its namespace and in the result. */
export function podPrefixLength({ mode }: PodLink, { family, subnetLength }: PodAddress): number {
  return mode === "routed" ? bitsOf[family] : subnetLength;
}

/** Where the pod's packets go out, by family. */
export function gatewayOf({ mode }: PodLink, { family, gateway }: PodAddress): IpAddress {
  return mode === "routed" ? routerAddress[family] : gateway;
}

export const loopbackUp: RoutingChange = { verb: "change", object: "link", value: { name: "lo", ...up } };

function setUp(alias?: string): LinkChange {
  return { verb: "change", object: "link", value: { index: 0, ...up, ...(alias ? { alias } : {}) } };
}

const noGeneratedAddress: LinkChange = {
  verb: "change",
  object: "link",
  value: { index: 0, addressFamilies: { inet6: { addressGeneration: "none" } } },
};

/** A pod may reach itself by a Service: the bridge has to send a packet back where it came from. */
const hairpin: LinkChange = {
  verb: "change",
  object: "link",
  value: { index: 0, info: { slave: { kind: "bridge", hairpin: true } } },
};

function addAddress(address: IpAddress, prefixLength: number, scope?: "host"): EndChange {
  const isV6 = address.includes(":");
  // RFC 4862's detection would keep it unusable for a second; IPAM has made sure already.
  const own = isV6 ? { address, flags: ["noDad"] as const } : { local: address, ...(scope ? { scope } : {}) };
  return { verb: "add", object: "address", value: { index: 0, prefixLength, ...own } };
}

function neighbor(destination: IpAddress, linkAddress: string): EndChange {
  return { verb: "replace", object: "neighbor", value: { index: 0, destination, linkAddress, state: "permanent" } };
}

function toRouter(family: "IPv4" | "IPv6"): readonly EndChange[] {
  const address = routerAddress[family];
  const known = neighbor(address, routerMac);
  // fe80::/64 is on the link already.
  return family === "IPv6" ? [known] : [known, route({ destination: address, prefixLength: 32 })];
}

function podRoute(link: PodLink, wanted: PodRoute): EndChange {
  const family = familyOfIp(wanted.destination);
  const own = link.addresses.find((address) => address.family === family);
  const out = own && gatewayOf(link, own);
  const gateway = link.mode === "bridge" ? (wanted.gateway ?? out) : out;
  return route(gateway === undefined ? wanted : { ...wanted, gateway });
}

function route(wanted: PodRoute): EndChange {
  const { destination, prefixLength, gateway, mtu, advmss, priority, table } = wanted;
  const family = familyOf[familyOfIp(destination)];
  const metrics = { ...(mtu === undefined ? {} : { mtu }), ...(advmss === undefined ? {} : { advmss }) };
  return {
    verb: "add",
    object: "route",
    value: {
      family,
      outInterface: 0,
      destinationPrefixLength: prefixLength,
      ...(prefixLength === 0 ? {} : { destination }),
      ...(gateway === undefined ? {} : { gateway }),
      ...(priority === undefined ? {} : { priority }),
      ...(table === undefined ? {} : { table }),
      ...(Object.keys(metrics).length === 0 ? {} : { metrics }),
    },
  };
}

/** How long a packet may wait for its turn, in seconds: as containernetworking's bandwidth plugin has it. */
const latencySeconds = 0.025;
/** What the kernel counts time in here: PSCHED_SHIFT. */
const tickNs = 64;

/** A token bucket at the end that sends. */
export function renderLimit({ rate, burst }: RateLimit, mtu: number): readonly EndChange[] {
  if (rate === 0) return [];
  const bytesPerSecond = Math.max(1, Math.floor(rate / 8));
  // Less than a packet would let none through.
  const burstBytes = Math.min(0xffff_ffff, Math.max(Math.floor(burst / 8), mtu + 14));
  const buffer = Math.min(0xffff_ffff, Math.ceil((burstBytes * 1e9) / bytesPerSecond / tickNs));
  const limit = Math.min(0xffff_ffff, Math.ceil(bytesPerSecond * latencySeconds + burstBytes));
  const low = Math.min(bytesPerSecond, 0xffff_ffff);
  const rateSpec = { cellLog: 0, linkLayer: 1, overhead: 0, cellAlign: 0, minPacket: 0, rate: low };
  const noRate = { ...rateSpec, linkLayer: 0, rate: 0 };
  return [
    {
      verb: "replace",
      object: "qdisc",
      value: {
        index: 0,
        parent: "root",
        kind: "tbf",
        parameters: { rate: rateSpec, peakRate: noRate, limit, buffer, mtu: 0 },
        rate64: BigInt(bytesPerSecond),
        burst: burstBytes,
      } as never,
    },
  ];
}
