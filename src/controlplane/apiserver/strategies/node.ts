/** Nodes (pkg/registry/core/node, core/validation). */
import type { V1NodeSpec, V1NodeStatus } from "@kubernetes/client-node";
import type { ApiObject, Strategy } from "../resources/resource.ts";
import { causesOf, type Causes } from "../validation/causes.ts";
import { areOnePerFamily, validateCidr } from "../validation/ip.ts";
import { ensurePart, partOf, type Json } from "../validation/json.ts";
import { validateLabelName } from "../validation/labels.ts";
import { labelValue } from "../validation/names.ts";
import { validateAmount } from "../validation/resources.ts";
import { validateTaintEffect } from "./pod/scheduling.ts";

type NodeSpec = Json<V1NodeSpec>;
const specOf = (object: ApiObject): NodeSpec => partOf<V1NodeSpec>(object, "spec");

/** The older single field follows the list, and the list it. */
function pairCidrs(spec: NodeSpec): void {
  const [first] = spec.podCIDRs ?? [];
  if (first !== undefined) spec.podCIDR = first;
  else if (spec.podCIDR) spec.podCIDRs = [spec.podCIDR];
}

export const node: Strategy = {
  defaults(object) {
    pairCidrs(ensurePart<V1NodeSpec>(object, "spec"));
    const status = partOf<V1NodeStatus>(object, "status");
    if (status.capacity && !status.allocatable) status.allocatable = { ...status.capacity };
  },

  prepareCreate(object) {
    object["status"] ??= {};
    delete specOf(object).configSource;
  },

  prepareUpdate(object, old) {
    // Of a feature that is gone: what has it keeps it.
    if (specOf(old).configSource === undefined) delete specOf(object).configSource;
  },

  validateCreate(object) {
    return causesOf((out) => {
      validateTaints(specOf(object), out);
      validateStatusAmounts(object, out);
      validateCidrs(specOf(object), out);
    });
  },

  validateUpdate(object, old) {
    return causesOf((out) => {
      const spec = specOf(object);
      const before = specOf(old);
      validateStatusAmounts(object, out);
      validateAddresses(object, out);
      const cidrs = spec.podCIDRs ?? [];
      const cidrsBefore = before.podCIDRs ?? [];
      if (cidrsBefore.length > 0 && cidrsBefore.join() !== cidrs.join()) {
        out.forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid');
      }
      if (before.providerID && before.providerID !== spec.providerID) {
        out.forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid');
      }
      validateTaints(spec, out);
    });
  },
};

/** Upstream names them as metadata's. */
function validateTaints({ taints = [] }: NodeSpec, out: Causes): void {
  const seen = new Set<string>();
  for (const [i, taint] of taints.entries()) {
    const path = `metadata.taints[${i}]`;
    const { key = "", value = "", effect = "" } = taint;
    validateLabelName(key, `${path}.key`, out);
    const messages = labelValue(value);
    if (messages.length > 0) out.invalid(`${path}.value`, value, messages.join(";"));
    validateTaintEffect(effect, `${path}.effect`, out);
    if (seen.has(`${effect}/${key}`)) out.duplicate(path, taint, "taints must be unique by key and effect pair");
    seen.add(`${effect}/${key}`);
  }
}

function validateStatusAmounts(object: ApiObject, out: Causes): void {
  const status = partOf<V1NodeStatus>(object, "status");
  for (const field of ["capacity", "allocatable"] as const) {
    for (const [name, amount] of Object.entries(status[field] ?? {})) {
      validateAmount(name, amount, `status.${field}.${name}`, out);
    }
  }
}

function validateCidrs({ podCIDRs = [] }: NodeSpec, out: Causes): void {
  const path = "spec.podCIDRs";
  const areValid = podCIDRs.map((cidr, i) => validateCidr(cidr, `${path}[${i}]`, out)).every(Boolean);
  if (areValid && !areOnePerFamily(podCIDRs)) {
    out.invalid(path, podCIDRs, "may specify no more than one CIDR for each IP family");
  }
  for (const [i, cidr] of podCIDRs.entries()) if (podCIDRs.indexOf(cidr) < i) out.duplicate(`${path}[${i}]`, cidr);
}

function validateAddresses(object: ApiObject, out: Causes): void {
  const { addresses = [] } = partOf<V1NodeStatus>(object, "status");
  const seen = new Set<string>();
  for (const [i, address] of addresses.entries()) {
    const key = `${address.type} ${address.address}`;
    if (seen.has(key)) out.duplicate(`status.addresses[${i}]`, address);
    seen.add(key);
  }
}
