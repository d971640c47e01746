/** IPAddresses and ServiceCIDRs (KEP-1880). */
import type { V1IPAddressSpec, V1ServiceCIDRSpec } from "@kubernetes/client-node";
import type { ApiObject, Strategy } from "../../resources/resource.ts";
import { causesOf, type Causes } from "../../validation/causes.ts";
import { fieldImmutable, validateImmutable, validateName, validateOptionalName } from "../../validation/common.ts";
import { areOnePerFamily, canonicalCidr, parseCidr, validateCidr } from "../../validation/ip.ts";
import { partOf } from "../../validation/json.ts";
import { dns1123Subdomain, pathSegment } from "../../validation/names.ts";

const parentOf = (object: ApiObject) => partOf<V1IPAddressSpec>(object, "spec").parentRef;

export const ipAddress: Strategy = {
  validateCreate: (object) => causesOf((out) => validateParent(object, out)),
  validateUpdate: (object, old) =>
    causesOf((out) => validateImmutable(parentOf(object), parentOf(old), "spec.parentRef", out)),
};

function validateParent(object: ApiObject, out: Causes): void {
  const parent = parentOf(object);
  const path = "spec.parentRef";
  if (!parent) return out.required(path);
  validateOptionalName(parent.group, `${path}.group`, dns1123Subdomain, out);
  validateName(parent.resource, `${path}.resource`, pathSegment, out);
  validateName(parent.name, `${path}.name`, pathSegment, out);
  validateOptionalName(parent.namespace, `${path}.namespace`, pathSegment, out);
}

const cidrsOf = (object: ApiObject): string[] => partOf<V1ServiceCIDRSpec>(object, "spec").cidrs ?? [];

export const serviceCidr: Strategy = {
  prepareCreate(object) {
    object["status"] = {};
  },
  validateCreate: (object) => causesOf((out) => validateCidrs(cidrsOf(object), out)),
  validateUpdate(object, old, subresource) {
    if (subresource === "status") return [];
    return causesOf((out) => {
      const cidrs = cidrsOf(object);
      const before = cidrsOf(old);
      // A second family may be added.
      const isGrown = before.length === 1 && cidrs.length === 2;
      if (cidrs.length !== before.length && !isGrown) return out.invalid("spec.cidrs", cidrs, fieldImmutable);
      for (const [i, cidr] of before.entries()) {
        if (cidr !== cidrs[i]) out.invalid(`spec.cidrs[${i}]`, cidrs[i], fieldImmutable);
      }
      if (isGrown) validateCidrs(cidrs, out);
    });
  },
};

function validateCidrs(cidrs: readonly string[], out: Causes): void {
  const path = "spec.cidrs";
  if (cidrs.length === 0) return out.required(path, "at least one CIDR required");
  if (cidrs.length > 2) return out.invalid(path, { cidrs }, "may only hold up to 2 values");
  if (cidrs.length === 2 && !(cidrs.every((cidr) => parseCidr(cidr)) && areOnePerFamily(cidrs))) {
    const words = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
    return out.invalid(path, { cidrs }, words);
  }
  for (const [i, cidr] of cidrs.entries()) {
    if (!validateCidr(cidr, `${path}[${i}]`, out)) continue;
    const canonical = canonicalCidr(cidr)!;
    if (canonical === cidr) continue;
    const sameAddress = canonical.split("/")[0] === parseCidr(cidr)!.address;
    const words = sameAddress
      ? `must be in canonical form (${JSON.stringify(canonical)})`
      : "must not have bits set beyond the prefix length";
    out.invalid(`${path}[${i}]`, cidr, words);
  }
}
