/**
 * Services (pkg/registry/core/service, core/validation). Addresses and node ports are given out by
 * whoever allocates, between the preparation and the validation of an object, as admission is: what
 * is asked of them here is that they are well-formed, and that they do not change.
 */
import type { V1ServicePort, V1ServiceSpec, V1ServiceStatus } from "@kubernetes/client-node";
import type { ApiObject, Strategy } from "../resources/resource.ts";
import { causesOf, type Causes } from "../validation/causes.ts";
import { protocols, validatePortNumberOrName } from "../validation/common.ts";
import { validateIp, validateNonSpecialIp } from "../validation/ip.ts";
import { ensurePart, partOf, setDefault, type Json } from "../validation/json.ts";
import { validateLabels } from "../validation/labels.ts";
import { dns1123Label, dns1123Subdomain, portNumber, qualifiedName } from "../validation/names.ts";
import { validateLoadBalancer, validateTopology } from "./service_load_balancer.ts";
import { validateClusterIps, validateClusterIpsUpdate, isHeadless } from "./service_addresses.ts";

export type ServiceSpec = Json<V1ServiceSpec>;
const specOf = (object: ApiObject): ServiceSpec => partOf<V1ServiceSpec>(object, "spec");

const types: readonly string[] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const trafficPolicies: readonly string[] = ["Cluster", "Local"];
/** Three hours, and a day at the most. */
const affinitySeconds = 10_800;
const maxAffinitySeconds = 86_400;

export const service: Strategy = {
  defaults(object) {
    const spec = ensurePart<V1ServiceSpec>(object, "spec");
    defaultAffinity(spec);
    setDefault(spec, "type", "ClusterIP");
    for (const port of spec.ports ?? []) {
      setDefault(port, "protocol", "TCP");
      if (!port.targetPort && port.port !== undefined) port.targetPort = port.port;
    }
    if (isExternallyAccessible(spec)) setDefault(spec, "externalTrafficPolicy", "Cluster");
    if (spec.type !== "ExternalName") setDefault(spec, "internalTrafficPolicy", "Cluster");
    if (spec.type === "LoadBalancer") spec.allocateLoadBalancerNodePorts ??= true;
    defaultIngress(object, spec);
  },

  prepareCreate(object) {
    object["status"] = { loadBalancer: {} };
    normalizeClusterIps(specOf(object), undefined);
  },

  prepareUpdate(object, old, subresource) {
    if (subresource !== "") return;
    const spec = specOf(object);
    keepAllocated(spec, specOf(old));
    normalizeClusterIps(spec, specOf(old));
    dropTypeDependent(spec, specOf(old));
  },

  validateCreate: (object) => causesOf((out) => validateService(object, out)),

  validateUpdate(object, old, subresource) {
    return causesOf((out) => {
      if (subresource === "status") return validateStatus(object, out);
      if (subresource !== "") return;
      const spec = specOf(object);
      const before = specOf(old);
      validateClusterIpsUpdate(spec, before, out);
      if (spec.type === "LoadBalancer" && before.type === "LoadBalancer") {
        if (spec.loadBalancerClass !== before.loadBalancerClass) {
          out.invalid("spec.loadBalancerClass", spec.loadBalancerClass, "may not change once set");
        }
      }
      if (needsHealthCheck(spec) && needsHealthCheck(before)) {
        if ((spec.healthCheckNodePort ?? 0) !== (before.healthCheckNodePort ?? 0)) {
          out.forbidden("spec.healthCheckNodePort", "field is immutable");
        }
      }
      validateService(object, out);
    });
  },
};

function defaultAffinity(spec: ServiceSpec): void {
  setDefault(spec, "sessionAffinity", "None");
  if (spec.sessionAffinity === "None") delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === "ClientIP" && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined) {
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: affinitySeconds } };
  }
}

function defaultIngress(object: ApiObject, spec: ServiceSpec): void {
  if (spec.type !== "LoadBalancer") return;
  const { loadBalancer } = partOf<V1ServiceStatus>(object, "status");
  for (const ingress of loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= "VIP";
}

function isExternallyAccessible(spec: ServiceSpec): boolean {
  if (spec.type === "LoadBalancer" || spec.type === "NodePort") return true;
  return spec.type === "ClusterIP" && (spec.externalIPs ?? []).length > 0;
}

export function needsHealthCheck(spec: ServiceSpec): boolean {
  return spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";
}

/** A client that knows `clusterIP` alone, or `clusterIPs` alone, gets the other (upstream's NormalizeClusterIPs). */
function normalizeClusterIps(spec: ServiceSpec, old: ServiceSpec | undefined): void {
  if (!old) {
    if (spec.clusterIP && (spec.clusterIPs ?? []).length === 0) spec.clusterIPs = [spec.clusterIP];
    // An array alone is left to the validation, which wants both.
    return;
  }
  const ip = spec.clusterIP ?? "";
  const before = old.clusterIP ?? "";
  const sameList = JSON.stringify(spec.clusterIPs ?? []) === JSON.stringify(old.clusterIPs ?? []);
  if (before !== "" && ip === "" && sameList) delete spec.clusterIPs;
  if (before !== ip && ip !== "" && sameList) spec.clusterIPs = [ip];
}

/** What a client left out of a full update stays as it was given out (patchAllocatedValues). */
function keepAllocated(spec: ServiceSpec, old: ServiceSpec): void {
  const needsIp = (one: ServiceSpec): boolean => one.type !== "ExternalName";
  if (needsIp(old) && needsIp(spec)) {
    const isSame = !spec.clusterIP || spec.clusterIP === old.clusterIP;
    if (isSame && (spec.clusterIPs ?? []).length === 0) {
      if (old.clusterIP !== undefined) spec.clusterIP = old.clusterIP;
      if (old.clusterIPs !== undefined) spec.clusterIPs = [...old.clusterIPs];
    }
    if (spec.ipFamilies === undefined && old.ipFamilies && spec.clusterIPs?.length === old.clusterIPs?.length) {
      spec.ipFamilies = [...old.ipFamilies];
    }
    if (old.ipFamilyPolicy !== undefined) spec.ipFamilyPolicy ??= old.ipFamilyPolicy;
  }
  if (needsNodePorts(old) && needsNodePorts(spec)) keepNodePorts(spec.ports ?? [], old.ports ?? []);
  if (needsHealthCheck(old) && needsHealthCheck(spec) && !spec.healthCheckNodePort) {
    spec.healthCheckNodePort = old.healthCheckNodePort;
  }
}

export function needsNodePorts(spec: ServiceSpec): boolean {
  return spec.type === "NodePort" || (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
}

type Port = Json<V1ServicePort>;

function keepNodePorts(ports: Port[], old: readonly Port[]): void {
  const taken = new Set(ports.flatMap(({ nodePort }) => (nodePort ? [nodePort] : [])));
  for (const port of ports) {
    if (port.nodePort) continue;
    const before = old.find((one) => one.port === port.port && one.protocol === port.protocol && one.nodePort);
    if (!before?.nodePort || taken.has(before.nodePort)) continue;
    port.nodePort = before.nodePort;
    taken.add(before.nodePort);
  }
}

/** Fields of the old type that a client sends back unchanged go with it (dropTypeDependentFields). */
function dropTypeDependent(spec: ServiceSpec, old: ServiceSpec): void {
  const same = (field: keyof ServiceSpec): boolean => JSON.stringify(spec[field]) === JSON.stringify(old[field]);
  if (old.type !== "ExternalName" && spec.type === "ExternalName") {
    if (same("clusterIP") && same("clusterIPs")) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    if (same("ipFamilies")) delete spec.ipFamilies;
    if (same("ipFamilyPolicy")) delete spec.ipFamilyPolicy;
  }
  const usesNodePorts = (one: ServiceSpec): boolean => one.type === "NodePort" || one.type === "LoadBalancer";
  if (usesNodePorts(old) && !usesNodePorts(spec)) {
    const before = new Set((old.ports ?? []).map(({ nodePort }) => nodePort));
    if ((spec.ports ?? []).every(({ nodePort }) => !nodePort || before.has(nodePort))) {
      for (const port of spec.ports ?? []) delete port.nodePort;
    }
  }
  if (needsHealthCheck(old) && !needsHealthCheck(spec) && same("healthCheckNodePort")) delete spec.healthCheckNodePort;
  if (old.type === "LoadBalancer" && spec.type !== "LoadBalancer") {
    if (same("allocateLoadBalancerNodePorts")) delete spec.allocateLoadBalancerNodePorts;
    if (same("loadBalancerClass")) delete spec.loadBalancerClass;
  }
  if (isExternallyAccessible(old) && !isExternallyAccessible(spec) && same("externalTrafficPolicy")) {
    delete spec.externalTrafficPolicy;
  }
}

function validateService(object: ApiObject, out: Causes): void {
  const spec = specOf(object);
  validateTopology(object.metadata.annotations, out);
  if ((spec.ports ?? []).length === 0 && !isHeadless(spec) && spec.type !== "ExternalName") out.required("spec.ports");
  validateByType(spec, out);
  validatePorts(spec.ports ?? [], spec.type, out);
  validateLabels(spec.selector, "spec.selector", out);
  validateAffinity(spec, out);
  validateClusterIps(spec, out);
  for (const [i, ip] of (spec.externalIPs ?? []).entries()) {
    const path = `spec.externalIPs[${i}]`;
    if (validateIp(ip, path, out)) validateNonSpecialIp(ip, path, out);
  }
  out.enum("spec.type", spec.type, types);
  validateLoadBalancer(spec, object.metadata.annotations, out);
  validateTraffic(spec, out);
}

function validateByType(spec: ServiceSpec, out: Causes): void {
  if ((spec.type === "LoadBalancer" || spec.type === "NodePort") && isHeadless(spec)) {
    out.invalid("spec.clusterIPs[0]", "None", `may not be set to 'None' for ${spec.type} services`);
  }
  if (spec.type !== "ExternalName") return;
  const words = "may not be set for ExternalName services";
  if ((spec.clusterIPs ?? []).length > 0) out.forbidden("spec.clusterIPs", words);
  if ((spec.ipFamilies ?? []).length > 0) out.forbidden("spec.ipFamilies", words);
  if (spec.ipFamilyPolicy !== undefined) out.forbidden("spec.ipFamilyPolicy", words);
  const name = (spec.externalName ?? "").replace(/\.$/, "");
  if (name === "") out.required("spec.externalName");
  else out.invalidEach("spec.externalName", name, dns1123Subdomain(name));
}

function validatePorts(ports: readonly Port[], type: string | undefined, out: Causes): void {
  const names = new Set<string>();
  const seen = new Set<string>();
  const nodePorts = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const path = `spec.ports[${i}]`;
    const { name = "", protocol = "", nodePort = 0 } = port;
    if (name === "" && ports.length > 1) out.required(`${path}.name`);
    else if (name !== "") out.invalidEach(`${path}.name`, name, dns1123Label(name));
    if (name !== "" && names.has(name)) out.duplicate(`${path}.name`, name);
    names.add(name);
    out.invalidEach(`${path}.port`, port.port ?? 0, portNumber(port.port ?? 0));
    out.enum(`${path}.protocol`, port.protocol, protocols);
    validatePortNumberOrName(port.targetPort, `${path}.targetPort`, out);
    if (port.appProtocol !== undefined) {
      out.invalidEach(`${path}.appProtocol`, port.appProtocol, qualifiedName(port.appProtocol));
    }
    if (nodePort !== 0 && type === "ClusterIP") {
      out.forbidden(`${path}.nodePort`, "may not be used when `type` is 'ClusterIP'");
    }
    if (nodePort !== 0 && nodePorts.has(`${protocol}/${nodePort}`)) out.duplicate(`${path}.nodePort`, nodePort);
    nodePorts.add(`${protocol}/${nodePort}`);
    const key = { protocol, port: port.port ?? 0 };
    if (seen.has(JSON.stringify(key))) out.duplicate(path, key);
    seen.add(JSON.stringify(key));
  }
}

function validateAffinity({ sessionAffinity, sessionAffinityConfig: config }: ServiceSpec, out: Causes): void {
  out.enum("spec.sessionAffinity", sessionAffinity, ["ClientIP", "None"]);
  const path = "spec.sessionAffinityConfig";
  if (sessionAffinity === "None" && config) {
    out.forbidden(path, "must not be set when session affinity is None");
  }
  if (sessionAffinity !== "ClientIP") return;
  const words = "when session affinity type is ClientIP";
  if (!config) return out.required(path, words);
  if (!config.clientIP) return out.required(`${path}.clientIP`, words);
  const seconds = config.clientIP.timeoutSeconds;
  const at = `${path}.clientIP.timeoutSeconds`;
  if (seconds === undefined) out.required(at, words);
  else if (seconds <= 0 || seconds > maxAffinitySeconds) {
    out.invalid(at, seconds, `must be greater than 0 and less than ${maxAffinitySeconds}`);
  }
}

function validateTraffic(spec: ServiceSpec, out: Causes): void {
  const { externalTrafficPolicy: external, internalTrafficPolicy: internal } = spec;
  if (isExternallyAccessible(spec)) out.enum("spec.externalTrafficPolicy", external, trafficPolicies);
  else if (external) {
    out.invalid("spec.externalTrafficPolicy", external, "may only be set for externally-accessible services");
  }
  const port = spec.healthCheckNodePort ?? 0;
  if (!needsHealthCheck(spec) && port !== 0) {
    const words = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    out.invalid("spec.healthCheckNodePort", port, words);
  }
  // Its number is given out with the node ports: absent is for the allocator to say.
  if (needsHealthCheck(spec) && port !== 0) out.invalidEach("spec.healthCheckNodePort", port, portNumber(port));
  if (internal !== undefined || spec.type !== "ExternalName") {
    out.enum("spec.internalTrafficPolicy", internal, trafficPolicies);
  }
  const distribution = spec.trafficDistribution;
  const distributions = ["PreferClose", "PreferSameNode", "PreferSameZone"];
  if (distribution !== undefined && !distributions.includes(distribution)) {
    out.notSupported("spec.trafficDistribution", distribution, distributions);
  }
}

function validateStatus(object: ApiObject, out: Causes): void {
  const { loadBalancer } = partOf<V1ServiceStatus>(object, "status");
  const path = "status.loadBalancer.ingress";
  const ingress = loadBalancer?.ingress ?? [];
  if (ingress.length > 0 && specOf(object).type !== "LoadBalancer") {
    return out.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'");
  }
  for (const [i, { ip, ipMode, hostname }] of ingress.entries()) {
    if (ip) validateIp(ip, `${path}[${i}].ip`, out);
    if (ip && ipMode === undefined) out.required(`${path}[${i}].ipMode`, "must be specified when `ip` is set");
    if (!ip && ipMode !== undefined) out.forbidden(`${path}[${i}].ipMode`, "may not be specified when `ip` is not set");
    if (ip && ipMode !== undefined) out.enum(`${path}[${i}].ipMode`, ipMode, ["Proxy", "VIP"]);
    if (hostname) out.invalidEach(`${path}[${i}].hostname`, hostname, dns1123Subdomain(hostname));
  }
}
