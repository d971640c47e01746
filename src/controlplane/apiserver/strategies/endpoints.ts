/** Endpoints and EndpointSlices: where the traffic of a Service goes. */
import type {
  V1Endpoint,
  V1EndpointAddress,
  DiscoveryV1EndpointPort,
  V1EndpointSlice,
  V1EndpointSubset,
} from "@kubernetes/client-node";
import type { ApiObject, Strategy } from "../resources/resource.ts";
import { causesOf, type Causes } from "../validation/causes.ts";
import { protocols, validateImmutable, validateOptionalName } from "../validation/common.ts";
import { semanticEqual } from "../../../model/equality.ts";
import { familyOf, validateIp, validateNonSpecialIp } from "../validation/ip.ts";
import { setDefault, type Json } from "../validation/json.ts";
import { validateLabels } from "../validation/labels.ts";
import {
  dns1123Label,
  dns1123Subdomain,
  fullyQualifiedDomain,
  labelValue,
  portNumber,
  qualifiedName,
} from "../validation/names.ts";

const subsetsOf = (object: ApiObject): Json<V1EndpointSubset>[] =>
  (object["subsets"] ?? []) as Json<V1EndpointSubset>[];

export const endpoints: Strategy = {
  defaults(object) {
    for (const { ports = [] } of subsetsOf(object)) for (const port of ports) setDefault(port, "protocol", "TCP");
  },
  validateCreate: (object) => causesOf((out) => validateSubsets(subsetsOf(object), out)),
  validateUpdate: (object) => causesOf((out) => validateSubsets(subsetsOf(object), out)),
};

function validateSubsets(subsets: readonly Json<V1EndpointSubset>[], out: Causes): void {
  for (const [i, { addresses = [], notReadyAddresses = [], ports = [] }] of subsets.entries()) {
    const path = `subsets[${i}]`;
    if (addresses.length + notReadyAddresses.length === 0) {
      out.required(path, "must specify `addresses` or `notReadyAddresses`");
    }
    for (const [j, address] of addresses.entries()) validateAddress(address, `${path}.addresses[${j}]`, out);
    for (const [j, address] of notReadyAddresses.entries()) {
      validateAddress(address, `${path}.notReadyAddresses[${j}]`, out);
    }
    for (const [j, { name = "", port, protocol, appProtocol }] of ports.entries()) {
      const at = `${path}.ports[${j}]`;
      if (name === "" && ports.length > 1) out.required(`${at}.name`);
      validateOptionalName(name, `${at}.name`, dns1123Label, out);
      out.invalidEach(`${at}.port`, port ?? 0, portNumber(port ?? 0));
      out.enum(`${at}.protocol`, protocol, protocols);
      if (appProtocol !== undefined) out.invalidEach(`${at}.appProtocol`, appProtocol, qualifiedName(appProtocol));
    }
  }
}

function validateAddress({ ip, hostname, nodeName }: Json<V1EndpointAddress>, path: string, out: Causes): void {
  validateIp(ip, `${path}.ip`, out);
  validateOptionalName(hostname, `${path}.hostname`, dns1123Label, out);
  if (nodeName !== undefined) out.invalidEach(`${path}.nodeName`, nodeName, dns1123Subdomain(nodeName));
  validateNonSpecialIp(ip ?? "", `${path}.ip`, out);
}

type Slice = Json<Pick<V1EndpointSlice, "addressType" | "endpoints" | "ports">>;
type Port = Json<DiscoveryV1EndpointPort>;

const addressTypes: readonly string[] = ["FQDN", "IPv4", "IPv6"];
const maxEndpoints = 1000;
const maxPorts = 100;
const maxAddresses = 100;
const maxTopology = 16;
const maxHints = 8;

export const endpointSlice: Strategy = {
  defaults(object) {
    const slice = object as Slice;
    for (const port of slice.ports ?? []) {
      port.name ??= "";
      setDefault(port, "protocol", "TCP");
    }
    slice.endpoints ??= [];
    slice.ports ??= [];
  },

  prepareCreate(object) {
    object.metadata.generation = 1;
  },

  /** They count what changes by themselves: upstream compares labels too. */
  prepareUpdate(object, old) {
    const meaning = (one: ApiObject): unknown => [
      one["ports"],
      one["endpoints"],
      one["addressType"],
      one.metadata.labels,
    ];
    const before = old.metadata.generation ?? 1;
    object.metadata.generation = semanticEqual(meaning(object), meaning(old)) ? before : before + 1;
  },

  validateCreate: (object) => causesOf((out) => validateSlice(object as Slice, undefined, out)),

  validateUpdate(object, old) {
    return causesOf((out) => {
      validateSlice(object as Slice, old as Slice, out);
      validateImmutable(object["addressType"], old["addressType"], "addressType", out);
    });
  },
};

function validateSlice(slice: Slice, old: Slice | undefined, out: Causes): void {
  out.enum("addressType", slice.addressType, addressTypes);
  validateSlicePorts(slice.ports ?? [], out);
  // What was right once stays: rules for addresses have become stricter.
  if (old && semanticEqual(slice.endpoints, old.endpoints)) return;
  const endpoints = slice.endpoints ?? [];
  if (endpoints.length > maxEndpoints) return out.tooMany("endpoints", endpoints.length, maxEndpoints);
  for (const [i, endpoint] of endpoints.entries()) {
    validateEndpoint(endpoint, slice.addressType ?? "", `endpoints[${i}]`, out);
  }
}

function validateEndpoint(endpoint: Json<V1Endpoint>, type: string, path: string, out: Causes): void {
  const { addresses = [], nodeName, deprecatedTopology = {}, hostname, hints } = endpoint;
  const at = `${path}.addresses`;
  if (addresses.length === 0) out.required(at, "must contain at least 1 address");
  else if (addresses.length > maxAddresses) out.tooMany(at, addresses.length, maxAddresses);
  for (const [i, address] of addresses.entries()) validateSliceAddress(address, type, `${at}[${i}]`, out);
  if (nodeName !== undefined) out.invalidEach(`${path}.nodeName`, nodeName, dns1123Subdomain(nodeName));
  const count = Object.keys(deprecatedTopology).length;
  if (count > maxTopology) out.tooMany(`${path}.deprecatedTopology`, count, maxTopology);
  validateLabels(deprecatedTopology, `${path}.deprecatedTopology`, out);
  if (hostname !== undefined) out.invalidEach(`${path}.hostname`, hostname, dns1123Label(hostname));
  const zones = (hints?.forZones ?? []).map(({ name = "" }) => name);
  const zonesPath = `${path}.hints.forZones`;
  if (zones.length > maxHints) return out.tooMany(zonesPath, zones.length, maxHints);
  for (const [i, zone] of zones.entries()) {
    if (zones.indexOf(zone) < i) out.duplicate(`${zonesPath}[${i}].name`, zone);
    out.invalidEach(`${zonesPath}[${i}].name`, zone, labelValue(zone));
  }
}

function validateSliceAddress(address: string, type: string, path: string, out: Causes): void {
  if (type === "FQDN") {
    if (address === "") return out.required(path);
    for (const [part, words] of fullyQualifiedDomain(address)) out.invalid(path, part, words);
  } else if (type === "IPv4" || type === "IPv6") {
    if (familyOf(address) !== type) out.invalid(path, address, `must be a valid ${type} address`);
    validateNonSpecialIp(address, path, out);
  }
}

function validateSlicePorts(ports: readonly Port[], out: Causes): void {
  if (ports.length > maxPorts) return out.tooMany("ports", ports.length, maxPorts);
  const names = new Set<string>();
  for (const [i, { name = "", protocol, appProtocol }] of ports.entries()) {
    validateOptionalName(name, `ports[${i}].name`, dns1123Label, out);
    if (names.has(name)) out.duplicate(`ports[${i}].name`, name);
    names.add(name);
    out.enum(`ports[${i}].protocol`, protocol, protocols);
    if (appProtocol !== undefined) out.invalidEach(`ports[${i}].appProtocol`, appProtocol, qualifiedName(appProtocol));
  }
}
