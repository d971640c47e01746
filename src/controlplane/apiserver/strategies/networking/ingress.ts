/** Ingresses and their classes (pkg/apis/networking). */
import type {
  V1HTTPIngressPath,
  V1IngressBackend,
  V1IngressClassSpec,
  V1IngressSpec,
  V1IngressStatus,
} from "@kubernetes/client-node";
import type { ApiObject, Strategy } from "../../resources/resource.ts";
import { causesOf, type Causes } from "../../validation/causes.ts";
import { validateImmutable, validateName } from "../../validation/common.ts";
import { familyOf, validateIp } from "../../validation/ip.ts";
import { partOf, type Json } from "../../validation/json.ts";
import {
  dns1035Label,
  dns1123Label,
  dns1123Subdomain,
  domainPrefixedPath,
  pathSegment,
  portName,
  portNumber,
  wildcardSubdomain,
} from "../../validation/names.ts";

type IngressSpec = Json<V1IngressSpec>;
const specOf = (object: ApiObject): IngressSpec => partOf<V1IngressSpec>(object, "spec");
const classAnnotation = "kubernetes.io/ingress.class";

export const ingress: Strategy = {
  prepareCreate(object) {
    object["status"] = { loadBalancer: {} };
  },

  validateCreate(object) {
    return causesOf((out) => {
      validateIngress(specOf(object), out);
      const annotation = object.metadata.annotations?.[classAnnotation];
      const name = specOf(object).ingressClassName;
      if (annotation !== undefined && name !== undefined && annotation !== name) {
        const words = "must match `ingressClassName` when both are specified";
        out.invalid(`annotations.${classAnnotation}`, annotation, words);
      }
    });
  },

  validateUpdate(object, _old, subresource) {
    return causesOf((out) => {
      if (subresource === "status") validateStatus(object, out);
      else validateIngress(specOf(object), out);
    });
  },
};

function validateIngress(spec: IngressSpec, out: Causes): void {
  const { rules = [], tls = [], defaultBackend, ingressClassName } = spec;
  if (rules.length === 0 && !defaultBackend) {
    out.invalid("spec", spec.rules, "either `defaultBackend` or `rules` must be specified");
  }
  if (defaultBackend) validateBackend(defaultBackend, "spec.defaultBackend", out);
  for (const [i, { host, http }] of rules.entries()) {
    if (host) validateHost(host, `spec.rules[${i}].host`, out);
    if (!http) continue;
    const path = `spec.rules[${i}].http.paths`;
    if ((http.paths ?? []).length === 0) out.required(path);
    for (const [j, one] of (http.paths ?? []).entries()) validatePath(one, `${path}[${j}]`, out);
  }
  for (const [i, { hosts = [], secretName }] of tls.entries()) {
    for (const [j, host] of hosts.entries()) {
      const check = host.includes("*") ? wildcardSubdomain : dns1123Subdomain;
      out.invalidEach(`spec.tls[${i}].hosts[${j}]`, host, check(host));
    }
    if (secretName) out.invalidEach(`spec.tls[${i}].secretName`, secretName, dns1123Subdomain(secretName));
  }
  if (ingressClassName !== undefined) {
    out.invalidEach("spec.ingressClassName", ingressClassName, dns1123Subdomain(ingressClassName));
  }
}

const noAddress = "must be a DNS name, not an IP address";

function validateHost(host: string, path: string, out: Causes): void {
  if (familyOf(host)) out.invalid(path, host, noAddress);
  out.invalidEach(path, host, host.includes("*") ? wildcardSubdomain(host) : dns1123Subdomain(host));
}

const pathTypes: readonly string[] = ["Exact", "ImplementationSpecific", "Prefix"];

function validatePath({ path = "", pathType, backend }: Json<V1HTTPIngressPath>, at: string, out: Causes): void {
  if (pathType === undefined) return out.required(`${at}.pathType`, "pathType must be specified");
  if (!pathTypes.includes(pathType)) out.notSupported(`${at}.pathType`, pathType, pathTypes);
  else {
    const isExact = pathType !== "ImplementationSpecific";
    if (!path.startsWith("/") && (isExact || path !== "")) out.invalid(`${at}.path`, path, "must be an absolute path");
    for (const part of isExact ? ["//", "/./", "/../", "%2f", "%2F"] : []) {
      if (path.includes(part)) out.invalid(`${at}.path`, path, `must not contain '${part}'`);
    }
    for (const end of isExact ? ["/..", "/."] : []) {
      if (path.endsWith(end)) out.invalid(`${at}.path`, path, `cannot end with '${end}'`);
    }
  }
  validateBackend(backend ?? {}, `${at}.backend`, out);
}

function validateBackend({ resource, service }: Json<V1IngressBackend>, path: string, out: Causes): void {
  if (resource && service) return out.invalid(path, "", "cannot set both resource and service backends");
  if (resource) return validateReference(resource, `${path}.resource`, out);
  if (!service) return out.invalid(path, "", "resource or service backend is required");
  validateName(service.name, `${path}.service.name`, dns1035Label, out);
  const { name, number } = service.port ?? {};
  if (name && number) out.invalid(path, "", "cannot set both port name & port number");
  else if (name) out.invalidEach(`${path}.service.port.name`, name, portName(name));
  else if (number) out.invalidEach(`${path}.service.port.number`, number, portNumber(number));
  else out.required(path, "port name or number is required");
}

interface Reference {
  apiGroup?: string | undefined;
  kind?: string | undefined;
  name?: string | undefined;
}

function validateReference({ apiGroup, kind, name }: Reference, path: string, out: Causes): void {
  if (apiGroup !== undefined) out.invalidEach(`${path}.apiGroup`, apiGroup, dns1123Subdomain(apiGroup));
  for (const [field, value] of Object.entries({ kind, name })) {
    if (value) out.invalidEach(`${path}.${field}`, value, pathSegment(value));
    else out.required(`${path}.${field}`, `${field} is required`);
  }
}

function validateStatus(object: ApiObject, out: Causes): void {
  const { loadBalancer } = partOf<V1IngressStatus>(object, "status");
  for (const [i, { ip, hostname }] of (loadBalancer?.ingress ?? []).entries()) {
    const path = `status.loadBalancer.ingress[${i}]`;
    if (ip) validateIp(ip, `${path}.ip`, out);
    if (!hostname) continue;
    out.invalidEach(`${path}.hostname`, hostname, dns1123Subdomain(hostname));
    if (familyOf(hostname)) out.invalid(`${path}.hostname`, hostname, noAddress);
  }
}

type ClassSpec = Json<V1IngressClassSpec>;
const maxController = 250;

export const ingressClass: Strategy = {
  defaults(object) {
    const { parameters } = partOf<V1IngressClassSpec>(object, "spec");
    if (parameters) parameters.scope ??= "Cluster";
  },
  validateCreate: (object) => causesOf((out) => validateClass(partOf<V1IngressClassSpec>(object, "spec"), out)),
  validateUpdate(object, old) {
    return causesOf((out) => {
      const spec = partOf<V1IngressClassSpec>(object, "spec");
      validateImmutable(spec.controller, partOf<V1IngressClassSpec>(old, "spec").controller, "spec.controller", out);
      validateClass(spec, out);
    });
  },
};

function validateClass({ controller, parameters }: ClassSpec, out: Causes): void {
  if (!controller) out.required("spec.controller");
  else {
    if (Buffer.byteLength(controller) > maxController) out.tooLong("spec.controller", maxController);
    for (const [part, words] of domainPrefixedPath(controller)) out.invalid("spec.controller", part, words);
  }
  if (!parameters) return;
  const path = "spec.parameters";
  validateReference(parameters, path, out);
  const { scope, namespace } = parameters;
  if (scope === undefined) return out.required(`${path}.scope`);
  if (scope !== "Cluster" && scope !== "Namespace") {
    return out.notSupported(`${path}.scope`, scope, ["Cluster", "Namespace"]);
  }
  if (scope === "Cluster" && namespace !== undefined) {
    out.forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'");
  } else if (scope === "Namespace") {
    if (namespace === undefined) out.required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'");
    else out.invalidEach(`${path}.namespace`, namespace, dns1123Label(namespace));
  }
}
