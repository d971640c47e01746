/** From a pod's link as it is to what it should be. Pure. */
import type { Address } from "../../kernel/netlink/rtnetlink/address.ts";
import type { Link } from "../../kernel/netlink/rtnetlink/link.ts";
import type { Neighbor } from "../../kernel/netlink/rtnetlink/neighbor.ts";
import type { Route } from "../../kernel/netlink/rtnetlink/route.ts";
import type { Qdisc } from "../../kernel/netlink/rtnetlink/tc.ts";
import type { IpAddress } from "../../model/address.ts";
import type { PodLink } from "./link.ts";
import { renderHostEnd, renderHostPlace, renderPodEnd, type EndChange } from "./render.ts";
import { renderSources, type SourceElement } from "./sources.ts";

/** One end of a link, with what it has. */
export interface ObservedEnd {
  readonly link: Link;
  readonly addresses: readonly Address[];
  readonly routes: readonly Route[];
  readonly neighbors: readonly Neighbor[];
  readonly qdiscs: readonly Qdisc[];
}

export interface ObservedLink {
  /** undefined: it is not there. */
  readonly host: ObservedEnd | undefined;
  /** "unseen": nobody looked, and it is left as it is. */
  readonly pod: ObservedEnd | undefined | "unseen";
}

export type LinkStep =
  /** Both ends at once; the node's comes up with it. */
  | { readonly step: "add pair"; readonly link: PodLink }
  /** Takes the other end along, with their addresses and routes. */
  | { readonly step: "delete link"; readonly hostLink: string }
  | { readonly step: "change host end"; readonly hostLink: string; readonly changes: readonly EndChange[] }
  | { readonly step: "change pod end"; readonly ifName: string; readonly changes: readonly EndChange[] }
  | { readonly step: "admit sources"; readonly mode: PodLink["mode"]; readonly elements: readonly SourceElement[] }
  | { readonly step: "refuse sources"; readonly mode: PodLink["mode"]; readonly elements: readonly SourceElement[] }
  /** Until packets go through: the kernel takes links into service behind the message that brings them up. */
  | {
      readonly step: "await link";
      readonly hostLink: string;
      readonly ifName: string;
      readonly addresses: readonly IpAddress[];
    };

/** What ADD does: nothing is there. */
export function planNewLink(wanted: PodLink): readonly LinkStep[] {
  const { hostLink, ifName } = wanted;
  return [
    { step: "add pair", link: wanted },
    admit(wanted),
    { step: "change pod end", ifName, changes: renderPodEnd(wanted) },
    // Without changes too: what is read behind them tells whether the link is in service.
    { step: "change host end", hostLink, changes: renderHostPlace(wanted) },
    awaited(wanted),
  ];
}

/** What DEL does, whatever is there. */
export function planNoLink(unwanted: PodLink): readonly LinkStep[] {
  return [
    { step: "delete link", hostLink: unwanted.hostLink },
    { step: "refuse sources", mode: unwanted.mode, elements: renderSources(unwanted) },
  ];
}

/** What CHECK misses, and what a start of the agent mends. Sources have a plan of their own. */
export function planLink(observed: ObservedLink, wanted: PodLink): readonly LinkStep[] {
  if (!observed.host || !observed.pod) return [{ step: "add pair", link: wanted }];
  const { host, pod } = observed;
  const missing = (end: ObservedEnd, changes: readonly EndChange[]): readonly EndChange[] =>
    changes.filter((change) => !isThere(end, change));
  return planEnds(
    wanted,
    missing(host, renderHostEnd(wanted)),
    pod === "unseen" ? [] : missing(pod, renderPodEnd(wanted)),
  );
}

function planEnds(
  { hostLink, ifName }: PodLink,
  host: readonly EndChange[],
  pod: readonly EndChange[],
): readonly LinkStep[] {
  return [
    ...(host.length === 0 ? [] : [{ step: "change host end", hostLink, changes: host } as const]),
    ...(pod.length === 0 ? [] : [{ step: "change pod end", ifName, changes: pod } as const]),
  ];
}

function awaited({ hostLink, ifName, addresses }: PodLink): LinkStep {
  const late = addresses.filter(({ family }) => family === "IPv6").map(({ address }) => address);
  return { step: "await link", hostLink, ifName, addresses: late };
}

function admit(link: PodLink): LinkStep {
  return { step: "admit sources", mode: link.mode, elements: renderSources(link) };
}

function isThere(end: ObservedEnd, change: EndChange): boolean {
  switch (change.object) {
    case "link":
      return hasLinkState(end.link, change.value);
    case "address":
      return end.addresses.some(
        (one) =>
          (one.local ?? one.address) === (change.value.local ?? change.value.address) &&
          one.prefixLength === change.value.prefixLength,
      );
    case "route":
      return end.routes.some(
        (one) =>
          one.destination === change.value.destination &&
          one.destinationPrefixLength === change.value.destinationPrefixLength &&
          one.gateway === change.value.gateway &&
          (change.value.family === undefined || one.family === change.value.family),
      );
    case "neighbor":
      return end.neighbors.some(
        (one) =>
          one.destination === change.value.destination &&
          one.linkAddress === change.value.linkAddress &&
          one.state === "permanent",
      );
    case "qdisc":
      return end.qdiscs.some((one) => one.parent === "root" && one.kind === change.value.kind);
    default:
      return true;
  }
}

function hasLinkState(link: Link, wanted: Partial<Link>): boolean {
  const generation = wanted.addressFamilies?.inet6?.addressGeneration;
  const isUp = !wanted.flags?.includes("up") || link.flags.includes("up");
  const slave = wanted.info?.slave;
  const isHairpin =
    slave?.kind !== "bridge" || (link.info?.slave?.kind === "bridge" && link.info.slave.hairpin === true);
  return (
    isUp && isHairpin && (generation === undefined || link.addressFamilies?.inet6?.addressGeneration === generation)
  );
}
