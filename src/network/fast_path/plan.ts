/** Which links the fast path takes part in, and what makes it so. Pure. */
import type { Link } from "../../kernel/netlink/rtnetlink/link.ts";
import type { Qdisc } from "../../kernel/netlink/rtnetlink/tc.ts";
import type { PodLink } from "../links/link.ts";
import { podLinkGroup } from "../links/names.ts";
import { encodeLink, type FastLink } from "./state.ts";

export interface ObservedFastPath {
  readonly links: readonly Link[];
  /** Of all links. */
  readonly qdiscs: readonly Qdisc[];
  /** Programs that see what comes in, by the link's index: of pods' links and tunnels. */
  readonly attached: ReadonlyMap<number, readonly number[]>;
  /** Values of the map, as hex, by the link's index. */
  readonly entries: ReadonlyMap<number, string>;
}

export interface WantedFastPath {
  readonly pods: readonly PodLink[];
  readonly isTunnel: (name: string) => boolean;
  /** Id of the program, and of older ones of ours. */
  readonly program: number;
  readonly outdated: ReadonlySet<number>;
}

export type FastPathStep =
  | { readonly step: "set link"; readonly index: number; readonly value: string }
  | { readonly step: "forget link"; readonly index: number }
  | { readonly step: "attach"; readonly index: number }
  | { readonly step: "detach"; readonly index: number; readonly program: number };

/** Order matters: what is known of a link stands before its packets are looked at, and goes after. */
export function planFastPath(observed: ObservedFastPath, wanted: WantedFastPath): readonly FastPathStep[] {
  const fast = fastLinks(observed, wanted);
  const { attached, entries } = observed;
  const set: FastPathStep[] = [];
  const attach: FastPathStep[] = [];
  const detach: FastPathStep[] = [];
  for (const [index, link] of fast) {
    const value = encodeLink(link).toString("hex");
    if (entries.get(index) !== value) set.push({ step: "set link", index, value });
    if (!attached.get(index)?.includes(wanted.program)) attach.push({ step: "attach", index });
  }
  for (const [index, programs] of attached) {
    for (const program of programs) {
      const isOurs = program === wanted.program;
      if ((isOurs && !fast.has(index)) || wanted.outdated.has(program)) detach.push({ step: "detach", index, program });
    }
  }
  const gone = [...entries.keys()].filter((index) => !fast.has(index));
  // A link that may no more: it is forgotten first, so that nothing of others goes there past what somebody put on it.
  return [...gone.map((index) => ({ step: "forget link", index }) as const), ...set, ...attach, ...detach];
}

/** By their index. */
export function fastLinks(observed: ObservedFastPath, wanted: WantedFastPath): ReadonlyMap<number, FastLink> {
  const pods = new Map(wanted.pods.map((pod) => [pod.hostLink, pod]));
  const fast = new Map<number, FastLink>();
  for (const link of observed.links) {
    const found = fastLink(link, pods.get(link.name ?? ""), wanted.isTunnel);
    if (found && !isOthers(link.index, observed, wanted)) {
      fast.set(link.index, { ...found, isPeer: found.isPeer && !hasQueue(link.index, observed) });
    }
  }
  return fast;
}

function fastLink(link: Link, pod: PodLink | undefined, isTunnel: WantedFastPath["isTunnel"]): FastLink | undefined {
  const { kind } = link.info ?? {};
  if (kind === "vxlan" && isTunnel(link.name ?? "")) return { pod: undefined, isPeer: false };
  if (kind !== "veth" || link.group !== podLinkGroup || pod?.mode !== "routed") return undefined;
  const first = (family: "IPv4" | "IPv6") => pod.addresses.find((one) => one.family === family)?.address;
  return { pod: { mac: pod.mac, IPv4: first("IPv4"), IPv6: first("IPv6") }, isPeer: true };
}

/** Qdiscs of the ingress hook, and programs there: who put them there wants to see what comes in. */
function isOthers(index: number, { qdiscs, attached }: ObservedFastPath, wanted: WantedFastPath): boolean {
  const hasHook = qdiscs.some((qdisc) => qdisc.index === index && qdisc.parent === "clsact");
  const isForeign = (id: number): boolean => id !== wanted.program && !wanted.outdated.has(id);
  return hasHook || (attached.get(index) ?? []).some(isForeign);
}

/** One that holds packets back: past it a bandwidth limit would be none. */
function hasQueue(index: number, { qdiscs }: ObservedFastPath): boolean {
  return qdiscs.some((qdisc) => qdisc.index === index && qdisc.parent === "root" && qdisc.kind !== "noqueue");
}
