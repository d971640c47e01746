/** What the kernel has of the overlay, and which of this node's links lead to other nodes. */
import type { Link } from "../../kernel/netlink/rtnetlink/link.ts";
import type { Address } from "../../kernel/netlink/rtnetlink/address.ts";
import type { RoutingPort } from "../../kernel/ports.ts";
import type { IpAddress } from "../../model/address.ts";
import { parseCidr, type Cidr } from "../../model/cidr.ts";
import type { IpFamily } from "../../model/service.ts";
import { Pace } from "../../reconcile/pace.ts";
import { perFamily } from "./decode.ts";
import { isOursRoute, isPermanent, readAddress, readFdb, readNeighbor, readRoute, routeProtocol } from "./render.ts";
import { keyOf, type Entry, type OverlayOptions, type PerFamily, type Underlay } from "./state.ts";

export interface ObservedLinks {
  readonly links: readonly Link[];
  readonly addresses: readonly Address[];
}

export async function observeLinks(port: RoutingPort): Promise<ObservedLinks> {
  const [links, addresses] = [await port.links(), await port.addresses()];
  return { links, addresses };
}

/** Whether a link has a name that a VTEP of ours has, with whatever VNI. */
export function isVtepName({ linkName }: Pick<OverlayOptions, "linkName">, name: string): boolean {
  for (const prefix of [`${linkName}.`, `${linkName}-v6.`]) {
    if (name.startsWith(prefix) && /^\d{1,8}$/.test(name.slice(prefix.length))) return true;
  }
  return false;
}

/** Entries of the overlay as they are: those of VTEPs, and the routes that bear its mark. */
export async function observeEntries(
  port: RoutingPort,
  { links, addresses }: ObservedLinks,
  isVtep: (name: string) => boolean,
): Promise<Map<string, Entry>> {
  const names = new Map(links.map(({ index, name = "" }) => [index, name]));
  const vteps = new Map([...names].filter(([, name]) => isVtep(name)));
  const entries = new Map<string, Entry>();
  const pace = new Pace();
  const keep = async <T>(all: readonly T[], read: (one: T) => Entry | undefined): Promise<void> => {
    for (const one of all) {
      await pace.next();
      const entry = read(one);
      if (entry) entries.set(keyOf(entry), entry);
    }
  };
  await keep(addresses, (address) => readAddress(address, vteps));
  const routes = await port.routes({ protocol: routeProtocol });
  await keep(routes, (route) => (isOursRoute(route) ? readRoute(route, names) : undefined));
  for (const index of vteps.keys()) {
    const neighbors = await port.neighbors({ index });
    await keep(neighbors, (neighbor) => (isPermanent(neighbor) ? readNeighbor(neighbor, vteps) : undefined));
    await keep(await port.fdb({ index }), (entry) => readFdb(entry, vteps));
  }
  return entries;
}

/**
 * The link that has the node's address of each family.
 *
 * @param wanted the node's addresses. Of a family without one it is the first lasting address of the world on
 *   the link that has the other family's: kubelets without --node-ip register one family
 */
export function findUnderlays(
  { links, addresses }: ObservedLinks,
  wanted: PerFamily<IpAddress>,
  isVtep: (name: string) => boolean,
): PerFamily<Underlay> {
  const candidates = links.filter(({ name = "", flags }) => flags.includes("up") && !isVtep(name));
  const having = (address: IpAddress): Link | undefined =>
    candidates.find((link) => addresses.some((own) => own.index === link.index && textOf(own) === address));
  return perFamily((family) => {
    const address = wanted[family];
    if (address !== undefined) return underlayOf(having(address), addresses, family, address);
    const other = wanted[family === "IPv4" ? "IPv6" : "IPv4"];
    const link = other === undefined ? undefined : having(other);
    return underlayOf(link, addresses, family, link && lastingAddress(addresses, link.index, family));
  });
}

function underlayOf(
  link: Link | undefined,
  addresses: readonly Address[],
  family: IpFamily,
  address: IpAddress | undefined,
): Underlay | undefined {
  if (!link || address === undefined) return undefined;
  const onLink = addresses.filter(({ index }) => index === link.index).flatMap((own) => rangeOn(own, family));
  return { index: link.index, device: link.name ?? "", mtu: link.mtu ?? 1500, address, onLink };
}

/** A lone address says nothing of its neighbours. */
function rangeOn(own: Address, family: IpFamily): readonly Cidr[] {
  const cidr = parseCidr(`${textOf(own) ?? ""}/${own.prefixLength}`);
  if (cidr?.family !== family || cidr.prefix === (family === "IPv4" ? 32 : 128) || own.scope === "link") return [];
  return [cidr];
}

function lastingAddress(addresses: readonly Address[], index: number, family: IpFamily): IpAddress | undefined {
  const kernelFamily = family === "IPv4" ? "ip" : "ip6";
  const lasting = addresses.filter(
    (own) =>
      own.index === index &&
      own.family === kernelFamily &&
      own.scope === "universe" &&
      // IPv6's "secondary" is "temporary" (RFC 8981).
      !own.flags?.some((flag) => flag === "secondary" || flag === "deprecated" || flag === "tentative"),
  );
  return lasting[0] && textOf(lasting[0]);
}

function textOf({ local, address }: Address): IpAddress | undefined {
  return local ?? address;
}
