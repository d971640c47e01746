/** Which IP families a Service has: what it asks for, and what the cluster can give (upstream's initIPFamilyFields, KEP-563). */
import type { V1ServiceSpec } from "@kubernetes/client-node";
import type { Cause } from "../status.ts";
import { causesOf } from "../validation/causes.ts";
import { familyOf, type IpFamily } from "../validation/ip.ts";
import type { Json } from "../validation/json.ts";

export type ServiceSpec = Json<V1ServiceSpec>;

export function isHeadless(spec: ServiceSpec): boolean {
  return spec.clusterIP === "None" || spec.clusterIPs?.[0] === "None";
}

/**
 * Fills in ipFamilyPolicy and ipFamilies; a change to a single family takes the second address away.
 *
 * @param cluster the cluster's families, the primary first
 * @returns what is wrong with what was asked for
 */
export function settleFamilies(spec: ServiceSpec, old: ServiceSpec | undefined, cluster: readonly IpFamily[]): Cause[] {
  if (spec.type === "ExternalName") return [];
  if (old && keepsOneFamily(spec, old)) return [];
  trimOnDowngrade(spec, old);
  const isTwo = (spec.ipFamilies?.length ?? 0) === 2 || (spec.clusterIPs?.length ?? 0) === 2;
  const causes = causesOf((out) => {
    if (isTwo && (spec.ipFamilyPolicy ?? "SingleStack") === "SingleStack") {
      const words = "must be RequireDualStack or PreferDualStack when multiple 'ipFamilies' are specified";
      out.invalid("spec.ipFamilyPolicy", spec.ipFamilyPolicy, words);
    }
    // Without a selector nobody asks the cluster for endpoints of a family.
    if (!isHeadlessWithoutSelector(spec)) requireFamilies(spec, cluster, out);
  });
  if (causes.length === 0) fill(spec, cluster);
  return causes;
}

function isHeadlessWithoutSelector(spec: ServiceSpec): boolean {
  return isHeadless(spec) && Object.keys(spec.selector ?? {}).length === 0;
}

function requireFamilies(
  spec: ServiceSpec,
  cluster: readonly IpFamily[],
  out: Parameters<Parameters<typeof causesOf>[0]>[0],
): void {
  for (const [i, family] of (spec.ipFamilies ?? []).entries()) {
    if (!cluster.includes(family as IpFamily)) {
      out.invalid(`spec.ipFamilies[${i}]`, family, "not configured on this cluster");
    }
  }
  if (spec.ipFamilyPolicy === "RequireDualStack" && cluster.length < 2) {
    out.invalid("spec.ipFamilyPolicy", spec.ipFamilyPolicy, "this cluster is not configured for dual-stack services");
  }
}

function fill(spec: ServiceSpec, cluster: readonly IpFamily[]): void {
  const families = (spec.ipFamilies ??= []);
  for (const [i, ip] of (spec.clusterIPs ?? []).entries()) {
    const family = familyOf(ip);
    if (family && i >= families.length) families.push(family);
  }
  spec.ipFamilyPolicy ??= isHeadlessWithoutSelector(spec) && families.length !== 1 ? "RequireDualStack" : "SingleStack";
  if (families.length === 0) families.push(cluster[0]!);
  const wantsTwo = spec.ipFamilyPolicy !== "SingleStack";
  const hasTwo = cluster.length === 2 || isHeadlessWithoutSelector(spec);
  if (wantsTwo && hasTwo && families.length === 1) families.push(families[0] === "IPv4" ? "IPv6" : "IPv4");
}

/** A Service that would like two families stays with the one that it has, until somebody changes something of it. */
function keepsOneFamily(spec: ServiceSpec, old: ServiceSpec): boolean {
  if (spec.ipFamilyPolicy !== "PreferDualStack" || old.ipFamilyPolicy !== "PreferDualStack") return false;
  if (old.type === "ExternalName") return false;
  const same = (field: "clusterIP" | "clusterIPs" | "ipFamilies" | "type"): boolean =>
    JSON.stringify(spec[field] ?? []) === JSON.stringify(old[field] ?? []);
  return same("clusterIPs") && same("ipFamilies") && same("type");
}

function trimOnDowngrade(spec: ServiceSpec, old: ServiceSpec | undefined): void {
  if (!old || (old.ipFamilyPolicy ?? "SingleStack") === "SingleStack" || spec.ipFamilyPolicy !== "SingleStack") return;
  // What the client changed itself is for the validation to judge.
  const same = (field: "clusterIPs" | "ipFamilies"): boolean =>
    JSON.stringify(spec[field]) === JSON.stringify(old[field]);
  if (same("clusterIPs") && (spec.clusterIPs?.length ?? 0) > 1) spec.clusterIPs = spec.clusterIPs!.slice(0, 1);
  if (same("ipFamilies") && (spec.ipFamilies?.length ?? 0) > 1) spec.ipFamilies = spec.ipFamilies!.slice(0, 1);
}
