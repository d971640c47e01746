import { wholeAddress } from "../../netlink/rtnetlink/requests.ts";
import type { Address, AddressSpec } from "../../netlink/rtnetlink/address.ts";
import type { RoutingExecutors } from "../../ports.ts";
import { addSubnetRoute, forgetAddress, removeAddresses } from "./lifecycle.ts";
import { covers, maskedTo } from "./prefix.ts";
import { onlyFields, Refusal, unmodelled, type Namespace } from "./state.ts";

const fields = new Set([
  ...["family", "prefixLength", "scope", "index", "local", "address", "flags", "label", "broadcast"],
  "routePriority",
]);

export function addressExecutors(ns: Namespace): RoutingExecutors<void>["address"] {
  return {
    add: (v) => addAddress(ns, v, true),
    replace: (v) => addAddress(ns, v, false),
    delete: (v) => deleteAddress(ns, v),
  };
}

function addAddress(ns: Namespace, v: AddressSpec, exclusive: boolean): void {
  onlyFields(v, fields, "an address");
  const link = ns.link(v.index);
  const address = complete(ns, wholeAddress(v), link.value.name);
  const at = ns.addresses.findIndex((other) => sameAddress(other, address));
  if (at >= 0 && exclusive) throw new Refusal("EEXIST");
  // IPv6 keeps the prefix that the address had.
  if (at >= 0) address.prefixLength = ns.addresses[at]!.prefixLength;
  if (at >= 0) ns.addresses[at] = address;
  else ns.addresses.push(address);
  addSubnetRoute(ns, address);
  ns.emit({ event: "new", object: "address", value: address });
}

/** As the kernel tells of it: IPv4 has its address twice and a label, IPv6 once. */
function complete(ns: Namespace, v: Address, linkName: string): Address {
  const own = v.local ?? v.address!;
  if (v.address !== undefined && v.address !== own) throw unmodelled("an address with a peer");
  const { local: _local, ...rest } = v;
  const flags = (v.flags ?? []).filter((flag) => flag !== "permanent" && flag !== "secondary");
  if (v.family === "ip6") return { ...rest, address: own, flags: [...flags, "permanent"] };
  const secondary = ns.addresses.some((other) => isPrimaryOf(other, { ...v, local: own }));
  const all = [...(secondary ? (["secondary"] as const) : []), ...flags, "permanent" as const];
  return { ...rest, address: own, local: own, label: v.label ?? linkName, flags: all };
}

function sameAddress(a: Address, b: Address): boolean {
  const same = a.index === b.index && (a.local ?? a.address) === (b.local ?? b.address);
  // IPv6 has an address once on a link, whatever its prefix.
  return same && (a.family === "ip6" || a.prefixLength === b.prefixLength);
}

/** IPv4: the first address of a subnet is the primary one, those after it go with it (promote_secondaries is 0). */
function isPrimaryOf(first: Address, v: Address): boolean {
  return (
    first.family === "ip" &&
    !first.flags?.includes("secondary") &&
    first.index === v.index &&
    first.prefixLength === v.prefixLength &&
    first.local !== v.local &&
    covers(maskedTo(first.local!, first.prefixLength), first.prefixLength, v.local!)
  );
}

function deleteAddress(ns: Namespace, v: AddressSpec): void {
  ns.link(v.index);
  const wanted = wholeAddress(v);
  const found = ns.addresses.find((other) => sameAddress(other, wanted) && other.prefixLength === v.prefixLength);
  if (!found) throw new Refusal("EADDRNOTAVAIL");
  const goes = (other: Address): boolean => other === found || isPrimaryOf(found, other);
  const gone = ns.addresses.filter(goes);
  removeAddresses(ns, goes);
  for (const address of gone) forgetAddress(ns, address);
}
