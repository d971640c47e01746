/** Services, endpoints, ingresses, network policies and Service addresses. */
import type {
  V1Endpoints,
  V1EndpointSlice,
  V1Ingress,
  V1IngressClass,
  V1IPAddress,
  V1NetworkPolicy,
  V1Service,
  V1ServiceCIDR,
} from "@kubernetes/client-node";
import { hostPort } from "../../../../model/address.ts";
import { ageColumn, columns, nameColumn, type Wire } from "./column.ts";
import { cutList, formatLabels, formatSelector, none, unknown, unset } from "./format.ts";

export const serviceColumns = columns<V1Service>(
  nameColumn,
  { name: "Type", about: "V1ServiceSpec#type", cell: ({ spec }) => spec?.type },
  {
    name: "Cluster-IP",
    about: "V1ServiceSpec#clusterIP",
    cell: ({ spec }) => spec?.clusterIPs?.[0] || spec?.clusterIP || none,
  },
  { name: "External-IP", about: "V1ServiceSpec#externalIPs", cell: externalIp },
  { name: "Port(s)", about: "V1ServiceSpec#ports", cell: servicePorts },
  ageColumn,
  { name: "Selector", wide: true, about: "V1ServiceSpec#selector", cell: ({ spec }) => formatLabels(spec?.selector) },
);

function externalIp({ spec, status }: Wire<V1Service>): string {
  const external = spec?.externalIPs ?? [];
  switch (spec?.type) {
    case "ClusterIP":
    case "NodePort":
      return external.join(",") || none;
    case "LoadBalancer":
      return [...ingressPoints(status?.loadBalancer), ...external].join(",") || "<pending>";
    case "ExternalName":
      return spec.externalName ?? "";
    default:
      return unknown;
  }
}

interface LoadBalancer {
  readonly ingress?:
    readonly { readonly ip?: string | undefined; readonly hostname?: string | undefined }[] | undefined;
}

/** Where a load balancer takes traffic in, each once, in order. */
function ingressPoints(status: LoadBalancer | undefined): string[] {
  const points = (status?.ingress ?? [])
    .map(({ ip, hostname }) => ip || hostname || "")
    .filter((point) => point !== "");
  return [...new Set(points)].sort();
}

function servicePorts({ spec }: Wire<V1Service>): string {
  const ports = (spec?.ports ?? []).map(({ port, nodePort, protocol }) =>
    nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
  );
  return ports.join(",") || none;
}

/** Endpoints that a cell shows before it says how many more there are. */
const maxShown = 3;

export const endpointsColumns = columns<V1Endpoints>(
  nameColumn,
  { name: "Endpoints", about: "V1Endpoints#subsets", cell: endpointList },
  ageColumn,
);

function endpointList({ subsets = [] }: Wire<V1Endpoints>): string {
  if (subsets.length === 0) return none;
  const list = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip = "" }) => ip)
      : ports.flatMap(({ port }) => addresses.map(({ ip = "" }) => hostPort(ip, port ?? ""))),
  );
  return cutList(list, maxShown);
}

export const endpointSliceColumns = columns<V1EndpointSlice>(
  nameColumn,
  { name: "AddressType", about: "V1EndpointSlice#addressType", cell: ({ addressType }) => addressType },
  {
    name: "Ports",
    about: "V1EndpointSlice#ports",
    cell: ({ ports = [] }) =>
      cutList(
        ports.map(({ port, name }) => String(port ?? name ?? "*")),
        maxShown,
      ) || unset,
  },
  {
    name: "Endpoints",
    about: "V1EndpointSlice#endpoints",
    cell: ({ endpoints = [] }) =>
      cutList(
        endpoints.flatMap(({ addresses = [] }) => addresses),
        maxShown,
      ) || unset,
  },
  ageColumn,
);

export const ingressColumns = columns<V1Ingress>(
  nameColumn,
  {
    name: "Class",
    about: "The name of the IngressClass resource that should be used for additional configuration",
    cell: ({ spec }) => spec?.ingressClassName ?? none,
  },
  {
    name: "Hosts",
    about: "Hosts that incoming requests are matched against before the ingress rule",
    cell: ingressHosts,
  },
  {
    name: "Address",
    about: "Address is a list containing ingress points for the load-balancer",
    cell: ({ status }) => ingressPoints(status?.loadBalancer).join(","),
  },
  {
    name: "Ports",
    about: "Ports of TLS configurations that open",
    cell: ({ spec }) => (spec?.tls?.length ? "80, 443" : "80"),
  },
  ageColumn,
);

function ingressHosts({ spec }: Wire<V1Ingress>): string {
  const rules = spec?.rules ?? [];
  const hosts = rules.map(({ host }) => host ?? "").filter((host) => host !== "");
  if (hosts.length === 0) return "*";
  const shown = hosts.slice(0, maxShown).join(",");
  // As upstream counts: rules, those without a host too.
  return hosts.length >= maxShown && rules.length > maxShown ? `${shown} + ${rules.length - maxShown} more...` : shown;
}

export const ingressClassColumns = columns<V1IngressClass>(
  nameColumn,
  {
    name: "Controller",
    about: "Controller that is responsible for handling this class",
    cell: ({ spec }) => spec?.controller,
  },
  { name: "Parameters", about: "A reference to a resource with additional parameters", cell: classParameters },
  ageColumn,
);

function classParameters({ spec }: Wire<V1IngressClass>): string {
  const parameters = spec?.parameters;
  if (!parameters) return none;
  const kind = parameters.apiGroup === undefined ? parameters.kind : `${parameters.kind}.${parameters.apiGroup}`;
  return `${kind}/${parameters.name}`;
}

export const networkPolicyColumns = columns<V1NetworkPolicy>(
  nameColumn,
  {
    name: "Pod-Selector",
    about: "V1NetworkPolicySpec#podSelector",
    cell: ({ spec }) => formatSelector(spec?.podSelector),
  },
  ageColumn,
);

export const ipAddressColumns = columns<V1IPAddress>(nameColumn, {
  name: "ParentRef",
  about: "V1IPAddressSpec#parentRef",
  cell: ({ spec }) => {
    const { group, resource = "", namespace, name } = spec?.parentRef ?? {};
    if (name === undefined) return none;
    return [group ? `${resource}.${group}` : resource, ...(namespace ? [namespace] : []), name].join("/");
  },
});

export const serviceCidrColumns = columns<V1ServiceCIDR>(
  nameColumn,
  { name: "CIDRs", about: "V1ServiceCIDRSpec#cidrs", cell: ({ spec }) => (spec?.cidrs ?? []).join(",") },
  ageColumn,
);
