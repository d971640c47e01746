/** A Service's addresses and their families: one of each at the most, and fixed once given. */
import type { V1ServiceSpec } from "@kubernetes/client-node";
import type { Causes } from "../validation/causes.ts";
import { areOnePerFamily, familyOf, validateIp } from "../validation/ip.ts";
import type { Json } from "../validation/json.ts";

type ServiceSpec = Json<V1ServiceSpec>;

const families: readonly string[] = ["IPv4", "IPv6"];
const familyPolicies: readonly string[] = ["PreferDualStack", "RequireDualStack", "SingleStack"];

export function isHeadless({ clusterIPs = [] }: ServiceSpec): boolean {
  return clusterIPs.length === 1 && clusterIPs[0] === "None";
}

export function validateClusterIps(spec: ServiceSpec, out: Causes): void {
  if (spec.type === "ExternalName") return;
  const path = "spec.clusterIPs";
  const addresses = spec.clusterIPs ?? [];
  if (spec.clusterIP) {
    if (addresses.length === 0) out.required(path);
    else if (addresses[0] !== spec.clusterIP) out.invalid(path, addresses, "first value must match `clusterIP`");
  } else if (addresses.length > 0) out.invalid(path, addresses, "must be empty when `clusterIP` is not specified");
  for (const [i, family] of (spec.ipFamilies ?? []).entries()) {
    const at = `spec.ipFamilies[${i}]`;
    if (!families.includes(family)) out.notSupported(at, family, families);
    if (spec.ipFamilies!.indexOf(family) < i) out.duplicate(at, family);
  }
  if (spec.ipFamilyPolicy !== undefined && !familyPolicies.includes(spec.ipFamilyPolicy)) {
    out.notSupported("spec.ipFamilyPolicy", spec.ipFamilyPolicy, familyPolicies);
  }
  validateAddresses(spec, addresses, path, out);
}

function validateAddresses(spec: ServiceSpec, addresses: readonly string[], path: string, out: Causes): void {
  const before = out.list.length;
  for (const [i, address] of addresses.entries()) {
    if (i > 0 || address !== "None") validateIp(address, `${path}[${i}]`, out);
    else if (addresses.length > 1) out.invalid(path, addresses, "'None' must be the first and only value");
  }
  const areWrong = out.list.length > before;
  if (addresses.length > 2) out.invalid(path, addresses, "may only hold up to 2 values");
  if (areWrong) return;
  if (addresses.length > 1 && !areOnePerFamily(addresses)) {
    out.invalid(path, addresses, "may specify no more than one IP for each IP family");
  }
  if (isHeadless(spec)) return;
  for (const [i, address] of addresses.entries()) {
    const family = spec.ipFamilies?.[i];
    if (family === undefined || !families.includes(family) || familyOf(address) === family) continue;
    out.invalid(`${path}[${i}]`, address, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``);
  }
}

const fixed = "may not change once set";

export function validateClusterIpsUpdate(spec: ServiceSpec, old: ServiceSpec, out: Causes): void {
  if (spec.type === "ExternalName" || old.type === "ExternalName") return;
  const { clusterIPs = [], ipFamilies = [] } = spec;
  if (!isHeadless(old) || !isHeadless(spec)) {
    validateListUpdate(clusterIPs, old.clusterIPs ?? [], spec, "clusterIPs", "clusterIP", out);
  }
  // Families may change where there are no addresses that they are of.
  if (isHeadless(old) || isHeadless(spec)) return;
  validateListUpdate(ipFamilies, old.ipFamilies ?? [], spec, "ipFamilies", "ipFamily", out);
}

/** The first stays; a second may come, and go again where the policy says so. */
function validateListUpdate(
  list: readonly string[],
  old: readonly string[],
  spec: ServiceSpec,
  field: "clusterIPs" | "ipFamilies",
  singular: string,
  out: Causes,
): void {
  const path = `spec.${field}`;
  if (list.length === old.length) {
    for (const [i, value] of old.entries()) if (list[i] !== value) out.invalid(`${path}[${i}]`, list, fixed);
    return;
  }
  if (old.length > 0 && list.length > 0 && list[0] !== old[0]) out.invalid(`${path}[0]`, list, fixed);
  if (old.length < list.length) return;
  if (list.length === 0) out.invalid(`${path}[0]`, list, `primary ${singular} can not be unset`);
  if (list.length === 1 && spec.ipFamilyPolicy !== "SingleStack") {
    const words = `must be set to 'SingleStack' when releasing the secondary ${singular}`;
    out.invalid("spec.ipFamilyPolicy", spec.ipFamilyPolicy, words);
  }
}
