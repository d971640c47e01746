/** NetworkPolicies (pkg/apis/networking). */
import type { V1NetworkPolicyPeer, V1NetworkPolicyPort, V1NetworkPolicySpec } from "@kubernetes/client-node";
import type { Strategy } from "../../resources/resource.ts";
import { causesOf, type Causes } from "../../validation/causes.ts";
import { isStrictSubnet, parseCidr, validateCidr } from "../../validation/ip.ts";
import { ensurePart, partOf, setDefault, type Json } from "../../validation/json.ts";
import { validateSelector } from "../../validation/labels.ts";
import { portName, portNumber } from "../../validation/names.ts";

type PolicySpec = Json<V1NetworkPolicySpec>;
type Port = Json<V1NetworkPolicyPort>;

export const networkPolicy: Strategy = {
  defaults(object) {
    const spec: PolicySpec = ensurePart<V1NetworkPolicySpec>(object, "spec");
    const rules = [...(spec.ingress ?? []), ...(spec.egress ?? [])];
    for (const { ports = [] } of rules) for (const port of ports) setDefault(port, "protocol", "TCP");
    spec.podSelector ??= {};
    if ((spec.policyTypes ?? []).length > 0) return;
    spec.policyTypes = (spec.egress ?? []).length > 0 ? ["Ingress", "Egress"] : ["Ingress"];
  },
  validateCreate: (object) => causesOf((out) => validatePolicy(partOf<V1NetworkPolicySpec>(object, "spec"), out)),
  validateUpdate: (object) => causesOf((out) => validatePolicy(partOf<V1NetworkPolicySpec>(object, "spec"), out)),
};

const directions: readonly string[] = ["Ingress", "Egress"];

function validatePolicy(spec: PolicySpec, out: Causes): void {
  validateSelector(spec.podSelector, "spec.podSelector", out);
  for (const [i, { ports = [], from = [] }] of (spec.ingress ?? []).entries()) {
    for (const [j, port] of ports.entries()) validatePort(port, `spec.ingress[${i}].ports[${j}]`, out);
    for (const [j, peer] of from.entries()) validatePeer(peer, `spec.ingress[${i}].from[${j}]`, out);
  }
  for (const [i, { ports = [], to = [] }] of (spec.egress ?? []).entries()) {
    for (const [j, port] of ports.entries()) validatePort(port, `spec.egress[${i}].ports[${j}]`, out);
    for (const [j, peer] of to.entries()) validatePeer(peer, `spec.egress[${i}].to[${j}]`, out);
  }
  const types = spec.policyTypes ?? [];
  if (types.length > 2) return out.invalid("spec.policyTypes", types, "may not specify more than two policyTypes");
  for (const [i, type] of types.entries()) {
    if (!directions.includes(type)) out.notSupported(`spec.policyTypes[${i}]`, type, directions);
  }
}

function validatePort({ protocol, port, endPort }: Port, path: string, out: Causes): void {
  if (protocol !== undefined && !["TCP", "UDP", "SCTP"].includes(protocol)) {
    out.notSupported(`${path}.protocol`, protocol, ["TCP", "UDP", "SCTP"]);
  }
  const at = `${path}.endPort`;
  if (typeof port === "string") {
    if (endPort !== undefined) out.invalid(at, endPort, "may not be specified when `port` is non-numeric");
    out.invalidEach(`${path}.port`, port, portName(port));
  } else if (port !== undefined) {
    out.invalidEach(`${path}.port`, port, portNumber(port));
    if (endPort === undefined) return;
    // Upstream shows the port in place of its end.
    if (endPort < port) out.invalid(at, port, "must be greater than or equal to `port`");
    out.invalidEach(at, endPort, portNumber(endPort));
  } else if (endPort !== undefined) out.invalid(at, endPort, "may not be specified when `port` is not specified");
}

function validatePeer(
  { podSelector, namespaceSelector, ipBlock }: Json<V1NetworkPolicyPeer>,
  path: string,
  out: Causes,
): void {
  validateSelector(podSelector, `${path}.podSelector`, out);
  validateSelector(namespaceSelector, `${path}.namespaceSelector`, out);
  if (ipBlock) validateBlock(ipBlock, `${path}.ipBlock`, out);
  if (!podSelector && !namespaceSelector && !ipBlock) out.required(path, "must specify a peer");
  else if (ipBlock && (podSelector || namespaceSelector)) {
    out.forbidden(path, "may not specify both ipBlock and another peer");
  }
}

type Block = NonNullable<Json<V1NetworkPolicyPeer>["ipBlock"]>;

function validateBlock({ cidr, except = [] }: Block, path: string, out: Causes): void {
  if (!cidr) return out.required(`${path}.cidr`);
  if (!validateCidr(cidr, `${path}.cidr`, out)) return;
  for (const [i, part] of except.entries()) {
    validateCidr(part, `${path}.except[${i}]`, out);
    if (!parseCidr(part) || isStrictSubnet(part, cidr)) continue;
    out.invalid(`${path}.except[${i}]`, part, "must be a strict subset of `cidr`");
  }
}
