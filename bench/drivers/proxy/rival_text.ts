/**
 * A ruleset of the shape that kube-proxy's nftables mode renders (pkg/proxy/nftables/README.md and
 * TestOverallNFTablesRules in its proxier_test.go), as nft reads it: a verdict map from frontends to a chain for each
 * service port, whose rule picks by an anonymous map one of the chains that each endpoint has.
 */
import { createHash } from "node:crypto";
import {
  clusterCidr,
  clusterIp,
  endpointAddresses,
  serviceCidr,
  serviceKey,
  servicePort,
  targetPort,
  type ProxyParameters,
} from "./content.ts";

export const rivalTable = "kube-proxy";

const head = `add table ip ${rivalTable}
add set ip ${rivalTable} cluster-ips { type ipv4_addr ; }
add set ip ${rivalTable} nodeport-ips { type ipv4_addr ; }
add map ip ${rivalTable} firewall-ips { type ipv4_addr . inet_proto . inet_service : verdict ; }
add map ip ${rivalTable} no-endpoint-services { type ipv4_addr . inet_proto . inet_service : verdict ; }
add map ip ${rivalTable} no-endpoint-nodeports { type inet_proto . inet_service : verdict ; }
add map ip ${rivalTable} service-ips { type ipv4_addr . inet_proto . inet_service : verdict ; }
add map ip ${rivalTable} service-nodeports { type inet_proto . inet_service : verdict ; }
add chain ip ${rivalTable} mark-for-masquerade
add rule ip ${rivalTable} mark-for-masquerade meta mark set meta mark or 0x4000
add chain ip ${rivalTable} masquerading
add rule ip ${rivalTable} masquerading meta mark and 0x4000 == 0 return
add rule ip ${rivalTable} masquerading meta mark set meta mark xor 0x4000
add rule ip ${rivalTable} masquerading masquerade fully-random
add chain ip ${rivalTable} firewall-check
add rule ip ${rivalTable} firewall-check ip daddr . meta l4proto . th dport vmap @firewall-ips
add chain ip ${rivalTable} cluster-ips-check
add rule ip ${rivalTable} cluster-ips-check ip daddr @cluster-ips reject
add rule ip ${rivalTable} cluster-ips-check ip daddr ${serviceCidr} drop
add chain ip ${rivalTable} service-endpoints-check
add rule ip ${rivalTable} service-endpoints-check ip daddr . meta l4proto . th dport vmap @no-endpoint-services
add chain ip ${rivalTable} nodeport-endpoints-check
add rule ip ${rivalTable} nodeport-endpoints-check ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports
add chain ip ${rivalTable} services
add rule ip ${rivalTable} services ip daddr . meta l4proto . th dport vmap @service-ips
add rule ip ${rivalTable} services ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports
${base("filter-prerouting-pre-dnat", "filter", "prerouting", -110, "ct state new jump firewall-check")}
${base("filter-output-pre-dnat", "filter", "output", -110, "ct state new jump firewall-check")}
${base("filter-forward", "filter", "forward", 0, "ct state new jump service-endpoints-check", "ct state new jump cluster-ips-check")}
${base("filter-input", "filter", "input", 0, "ct state new jump nodeport-endpoints-check", "ct state new jump service-endpoints-check")}
${base("filter-output", "filter", "output", 0, "ct state new jump service-endpoints-check", "ct state new jump cluster-ips-check")}
${base("nat-prerouting", "nat", "prerouting", -100, "jump services")}
${base("nat-output", "nat", "output", -100, "jump services")}
${base("nat-postrouting", "nat", "postrouting", 100, "jump masquerading")}
`;

function base(name: string, type: string, hook: string, priority: number, ...rules: readonly string[]): string {
  return [
    `add chain ip ${rivalTable} ${name} { type ${type} hook ${hook} priority ${priority} ; }`,
    ...rules.map((rule) => `add rule ip ${rivalTable} ${name} ${rule}`),
  ].join("\n");
}

/** Everything at once, as at kube-proxy's first sync. */
export function rivalText(parameters: ProxyParameters): string {
  return [...rivalParts(parameters, parameters.services)].join("");
}

/**
 * The same in several transactions, of so many Services each: one of all takes time with their number's square.
 *
 * @param targets addresses of the first Service's endpoints
 */
export function* rivalParts(parameters: ProxyParameters, each: number, targets?: readonly string[]): Iterable<string> {
  for (let from = 0; from < parameters.services; from += each) {
    const count = Math.min(each, parameters.services - from);
    const services = Array.from({ length: count }, (_, k) => {
      const i = from + k;
      return serviceText(i, (i === 0 && targets) || endpointAddresses(i, parameters));
    });
    yield (from === 0 ? head : "") + services.join("");
  }
}

function serviceText(i: number, addresses: readonly string[]): string {
  const chain = serviceChain(i);
  return `add chain ip ${rivalTable} ${chain}
${addresses.map((address) => endpointText(i, address)).join("")}${serviceRules(i, addresses)}add element ip ${rivalTable} cluster-ips { ${clusterIp(i)} }
add element ip ${rivalTable} service-ips { ${clusterIp(i)} . tcp . ${servicePort} : goto ${chain} }
`;
}

function serviceRules(i: number, addresses: readonly string[]): string {
  const chain = serviceChain(i);
  const choices = addresses.map((address, k) => `${k} : goto ${endpointChain(i, address)}`);
  return `add rule ip ${rivalTable} ${chain} ip daddr ${clusterIp(i)} ip saddr != ${clusterCidr} jump mark-for-masquerade
add rule ip ${rivalTable} ${chain} numgen random mod ${addresses.length} vmap { ${choices.join(" , ")} }
`;
}

function endpointText(i: number, address: string): string {
  const chain = endpointChain(i, address);
  return `add chain ip ${rivalTable} ${chain}
add rule ip ${rivalTable} ${chain} ip saddr ${address} jump mark-for-masquerade
add rule ip ${rivalTable} ${chain} meta l4proto tcp dnat to ${address}:${targetPort}
`;
}

/** One of a Service's endpoints is replaced: the Service's rules anew, a chain that comes, one that goes. */
export function rivalChange(i: number, before: readonly string[], after: readonly string[]): string {
  const come = after.filter((address) => !before.includes(address));
  const gone = before.filter((address) => !after.includes(address));
  const removed = gone.map((address) => {
    const chain = endpointChain(i, address);
    return `flush chain ip ${rivalTable} ${chain}\ndelete chain ip ${rivalTable} ${chain}\n`;
  });
  return [
    ...come.map((address) => endpointText(i, address)),
    `flush chain ip ${rivalTable} ${serviceChain(i)}\n`,
    serviceRules(i, after),
    ...removed,
  ].join("");
}

function serviceChain(i: number): string {
  const { namespace, name } = serviceKey(i);
  const port = `${namespace}/${name}/tcp/http`;
  return `service-${hash(port)}-${port}`;
}

function endpointChain(i: number, address: string): string {
  const { namespace, name } = serviceKey(i);
  const port = `${namespace}/${name}/tcp/http__${address}/${targetPort}`;
  return `endpoint-${hash(port)}-${port}`;
}

/** Any eight letters and digits that tell chains apart. */
function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8).toUpperCase();
}
