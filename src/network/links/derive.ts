/** What a CNI request wants of the kernel: the pod's link. Pure. */
import type { AddRequest, NetworkConfig, Result, ResultIp, Route } from "../../../cni/plugin.ts";
import type { IpAddress } from "../../model/address.ts";
import { familyOfIp } from "../../model/cidr.ts";
import type { Lease, Owner } from "../ipam/leases.ts";
import { renderAlias } from "./alias.ts";
import { familiesOf, type PodAddress, type PodLink, type PodRoute } from "./link.ts";
import { hostLinkName, podMac, routerMac } from "./names.ts";
import { gatewayOf, podPrefixLength } from "./render.ts";

const noLimit = { rate: 0, burst: 0 } as const;

export function ownerOf(request: Pick<AddRequest, "containerId" | "ifName" | "config">): Owner {
  return { network: request.config.name, containerId: request.containerId, ifName: request.ifName };
}

/** Addresses that the pod has to get: of CNI_ARGS, `args` and the capability `ips`. @param parse of an IP's text */
export function requestedAddresses(
  { args, config }: Pick<AddRequest, "args" | "config">,
  parse: (text: string) => IpAddress | undefined,
): readonly IpAddress[] {
  // host-local takes "IP" with or without a prefix length.
  const inArgs = (args.get("IP") ?? "").split(",").flatMap((text) => parse(text.trim().split("/")[0] ?? "") ?? []);
  const listed = [...config.args.ips, ...config.runtimeConfig.ips].map(({ address }) => address);
  return [...new Set([...inArgs, ...listed])];
}

/** @param mtu where the configuration has none */
export function derivePodLink(request: AddRequest, leases: readonly Lease[], mtu: number): PodLink {
  const { config } = request;
  const owner = ownerOf(request);
  const { bandwidth, mac } = config.runtimeConfig;
  const addresses = leases.map(({ address, range }): PodAddress => ({
    family: range.family,
    address,
    subnetLength: range.prefixLength,
    gateway: range.gateway,
  }));
  const place = {
    mode: config.mode,
    bridge: config.mode === "bridge" ? config.bridge : "",
    mac: mac ?? config.args.mac ?? podMac(owner),
    addresses,
  };
  return {
    ...place,
    hostLink: hostLinkName(owner),
    alias: renderAlias(owner, place),
    ifName: request.ifName,
    mtu: config.mtu ?? mtu,
    routes: deriveRoutes(config, addresses),
    ingress: bandwidth ? { rate: bandwidth.ingressRate, burst: bandwidth.ingressBurst } : noLimit,
    egress: bandwidth ? { rate: bandwidth.egressRate, burst: bandwidth.egressBurst } : noLimit,
  };
}

function deriveRoutes({ ipam }: NetworkConfig, addresses: readonly PodAddress[]): readonly PodRoute[] {
  const families = familiesOf({ addresses });
  if (!ipam || ipam.routes.length === 0) {
    const everything = { IPv4: "0.0.0.0", IPv6: "::" } as const;
    return [...families].map((family) => ({ destination: everything[family] as IpAddress, prefixLength: 0 }));
  }
  return ipam.routes
    .filter(({ dst }) => families.has(familyOfIp(dst.address)))
    .map(({ dst, gw, mtu, advmss, priority, table }) => ({
      destination: dst.address,
      prefixLength: dst.prefixLength,
      ...(gw === undefined ? {} : { gateway: gw }),
      ...(mtu === undefined ? {} : { mtu }),
      ...(advmss === undefined ? {} : { advmss }),
      ...(priority === undefined ? {} : { priority }),
      ...(table === undefined ? {} : { table }),
    }));
}

/** The result of ADD: what plugins before this one made, and the link. */
export function deriveResult(request: AddRequest, link: PodLink): Result {
  const before: Result = request.prevResult ?? { interfaces: [], ips: [], routes: [], dns: {} };
  const index = before.interfaces.length + 1;
  const ips = link.addresses.map((address): ResultIp => ({
    address: address.address,
    prefixLength: podPrefixLength(link, address),
    gateway: gatewayOf(link, address),
    interface: index,
  }));
  return {
    interfaces: [
      ...before.interfaces,
      { name: link.hostLink, ...(link.mode === "routed" ? { mac: routerMac } : {}), mtu: link.mtu },
      { name: link.ifName, mac: link.mac, mtu: link.mtu, sandbox: request.netns },
    ],
    ips: [...before.ips, ...ips],
    routes: [...before.routes, ...link.routes.map((route) => resultRoute(link, route))],
    dns: { ...before.dns, ...request.config.dns },
  };
}

function resultRoute(link: PodLink, route: PodRoute): Route {
  const { destination, prefixLength, gateway, ...metrics } = route;
  const own = link.addresses.find(({ family }) => family === familyOfIp(destination));
  const out = link.mode === "bridge" ? (gateway ?? own?.gateway) : own && gatewayOf(link, own);
  return { dst: { address: destination, prefixLength }, ...(out === undefined ? {} : { gw: out }), ...metrics };
}
