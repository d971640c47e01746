/**
 * What a service port wants → its chains, and its rules in the chains that all have in common. Rendered again it is the
 * same, so nobody has to keep what was rendered.
 */
import { hostPort, type IpAddress } from "../../../model/address.ts";
import type { Backend, Backends } from "../../derive/backends.ts";
import type { Frontend, Target } from "../../derive/frontends.ts";
import type { TableName, TableRule } from "../shared/iptables_tables.ts";
import { chainNames, endpointChain, portChain } from "./names.ts";
import type { IptablesOptions } from "./options.ts";
import {
  comment,
  from,
  joined,
  localMatch,
  portMatch,
  probability,
  protocolMatch,
  recentKey,
  refusal,
  to,
} from "../shared/iptables_rule.ts";

export interface RenderedPort {
  /** Of the table nat. Rules are without their "-A CHAIN". */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  readonly shared: readonly TableRule[];
}

export interface Rendering extends Pick<IptablesOptions, "family" | "local"> {
  /** Of large clusters rules of endpoints say less (upstream: largeClusterMode): comments are half of such rules. */
  readonly isLarge: boolean;
}

/** @param frontends those that the service port has, of what it wants: at least one */
export function renderPort(
  frontends: readonly Frontend[],
  options: Rendering,
  healthCheckNodePort?: number,
): RenderedPort {
  const port = new Port(frontends[0]!, options);
  for (const frontend of frontends) port.frontend(frontend);
  if (healthCheckNodePort !== undefined) port.healthCheck(healthCheckNodePort);
  return port.rendered;
}

class Port {
  readonly #service: string;
  readonly #protocol: Frontend["protocol"];
  readonly #affinitySeconds: number | undefined;
  readonly #options: Rendering;
  readonly #chains = new Map<string, readonly string[]>();
  readonly #shared: TableRule[] = [];
  #externalName: string | undefined;

  constructor({ service, protocol, affinitySeconds }: Frontend, options: Rendering) {
    this.#service = service;
    this.#protocol = protocol;
    this.#affinitySeconds = affinitySeconds;
    this.#options = options;
  }

  /** Most service ports have no external address. */
  get #external(): string {
    return (this.#externalName ??= portChain("EXT", this.#service, this.#protocol));
  }

  get rendered(): RenderedPort {
    return { chains: this.#chains, shared: this.#shared };
  }

  frontend(frontend: Frontend): void {
    if (frontend.kind === "clusterIP") this.#clusterIp(frontend);
    else this.#externalAddress(frontend);
  }

  healthCheck(port: number): void {
    const says = comment(`${this.#service} health check node port`);
    this.#share("filter", chainNames.nodePorts, `-p tcp ${says} -m tcp --dport ${port} -j ACCEPT`);
  }

  #clusterIp({ address, port, target }: Frontend): void {
    const matchWith = (says: string, before = "", behind = ""): string =>
      joined(
        before,
        to(address!),
        behind,
        protocolMatch(this.#protocol),
        comment(says),
        portMatch(this.#protocol, port),
      );
    if (target.action !== "balance") return this.#refuse("filter", chainNames.services, target, matchWith);
    const isLocal = target.scope === "local";
    const chain = portChain(isLocal ? "SVL" : "SVC", this.#service, this.#protocol);
    const says = `${this.#service} cluster IP`;
    this.#share("nat", chainNames.services, `${matchWith(says)} -j ${chain}`);
    this.#balance(chain, target.backends, this.#masqueradeRules(target.masquerade, says, matchWith));
  }

  #masqueradeRules(
    masquerade: "off-cluster" | "always" | "never",
    says: string,
    matchWith: (says: string, before?: string, behind?: string) => string,
  ): readonly string[] {
    const { local } = this.#options;
    if (masquerade === "always") return [`${matchWith(says)} -j ${chainNames.markMasq}`];
    if (masquerade === "never" || local.mode === "none") return [];
    return [`${matchWith(says, ...localMatch(local, false))} -j ${chainNames.markMasq}`];
  }

  /** What nobody serves, and what only other nodes serve. */
  #refuse(table: TableName, chain: string, target: Target, matchWith: (says: string) => string): void {
    const isNobody = target.action === "reject";
    const says = `${this.#service} has no ${isNobody ? "" : "local "}endpoints`;
    this.#share(table, chain, `${matchWith(says)} ${isNobody ? refusal(this.#options.family) : "-j DROP"}`);
  }

  #externalAddress(frontend: Frontend): void {
    const { kind, address, port, target, sourceRanges } = frontend;
    const protocol = this.#protocol;
    const matchWith = (says: string): string =>
      joined(address ? to(address) : "", protocolMatch(protocol), comment(says), portMatch(protocol, port));
    const isServed = target.action === "balance" || target.action === "balance local";
    if (isServed) {
      this.#externalChain(target);
      if (kind === "nodePort") {
        this.#share("nat", chainNames.nodePorts, `${matchWith(this.#service)} -j ${this.#external}`);
      } else {
        const says = `${this.#service} ${kind === "externalIP" ? "external" : "loadbalancer"} IP`;
        const next = sourceRanges === undefined ? this.#external : this.#firewall(address!, port, sourceRanges);
        this.#share("nat", chainNames.services, `${matchWith(says)} -j ${next}`);
      }
    }
    if (target.action === "balance" || (target.action === "balance local" && target.local.length > 0)) return;
    // A node port is at whatever address this node has: translated packets do not come by here.
    const refused = (says: string): string =>
      kind === "nodePort"
        ? joined(protocolMatch(protocol), comment(says), "-m addrtype --dst-type LOCAL", portMatch(protocol, port))
        : matchWith(says);
    this.#refuse("filter", chainNames.externalServices, target, refused);
  }

  #externalChain(target: Extract<Target, { action: "balance" | "balance local" }>): void {
    if (this.#chains.has(this.#external)) return;
    const says = `${this.#service} external destinations`;
    const cluster = portChain("SVC", this.#service, this.#protocol);
    if (target.action === "balance") {
      const masquerade = `${comment(`masquerade traffic for ${says}`)} -j ${chainNames.markMasq}`;
      this.#chains.set(this.#external, [masquerade, `-j ${cluster}`]);
      return this.#balance(cluster, target.backends, []);
    }
    const fromNode = "-m addrtype --src-type LOCAL";
    const local = portChain("SVL", this.#service, this.#protocol);
    const inside = target.inside.length > 0;
    this.#chains.set(this.#external, [
      ...(inside ? this.#podRules(says, cluster) : []),
      // The source would be the frontend's own address, which is no way back from another node.
      `${comment(`masquerade LOCAL traffic for ${says}`)} ${fromNode} -j ${chainNames.markMasq}`,
      ...(inside ? [`${comment(`route LOCAL traffic for ${says}`)} ${fromNode} -j ${cluster}`] : []),
      ...(target.local.length > 0 ? [`-j ${local}`] : []),
    ]);
    if (inside) this.#balance(cluster, target.inside, []);
    if (target.local.length > 0) this.#balance(local, target.local, []);
  }

  #podRules(says: string, cluster: string): readonly string[] {
    const { local } = this.#options;
    if (local.mode === "none") return [];
    return [joined(...localMatch(local, true), comment(`pod traffic for ${says}`), `-j ${cluster}`)];
  }

  /** One chain for all addresses of load balancers: their ranges differ in those addresses alone. */
  #firewall(address: IpAddress, port: number, sourceRanges: readonly string[]): string {
    const chain = portChain("FW", this.#service, this.#protocol);
    const says = comment(`${this.#service} loadbalancer IP`);
    const last = comment(`other traffic to ${this.#service} will be dropped by KUBE-PROXY-FIREWALL`);
    const rules = sourceRanges.map((range) => joined(from(range), says, `-j ${this.#external}`));
    const before = this.#chains.get(chain)?.filter((rule) => rule !== last) ?? [];
    this.#chains.set(chain, [...new Set([...before, ...rules]), last]);
    const notAccepted = comment(`${this.#service} traffic not accepted by ${chain}`);
    const match = joined(to(address), protocolMatch(this.#protocol), notAccepted, portMatch(this.#protocol, port));
    this.#share("filter", chainNames.proxyFirewall, `${match} -j DROP`);
    return chain;
  }

  /** @param first rules in front of the others, of the cluster IP: its frontend comes first */
  #balance(chain: string, backends: Backends, first: readonly string[]): void {
    if (this.#chains.has(chain)) return;
    const endpoints = Array.from(backends, ({ ip, port }) => ({ ip, text: hostPort(ip, port) }));
    const chains = endpoints.map(({ text }) => endpointChain(this.#service, this.#protocol, text));
    const says = (i: number): string => this.#endpointComment(`${this.#service} -> ${endpoints[i]!.text}`);
    const { family } = this.#options;
    const affine = chains.map((sep, i) => {
      const known = `-m recent --rcheck --seconds ${this.#affinitySeconds ?? 0} --reap ${recentKey(sep, family)}`;
      return joined(says(i), known, `-j ${sep}`);
    });
    const balanced = chains.map((sep, i) => {
      const left = chains.length - i;
      const share = left > 1 ? `-m statistic --mode random --probability ${probability(left)}` : "";
      return joined(says(i), share, `-j ${sep}`);
    });
    this.#chains.set(chain, [...first, ...(this.#affinitySeconds === undefined ? [] : affine), ...balanced]);
    endpoints.forEach((endpoint, i) => this.#endpoint(chains[i]!, endpoint));
  }

  #endpoint(chain: string, { ip, text }: Pick<Backend, "ip"> & { readonly text: string }): void {
    if (this.#chains.has(chain)) return;
    const { family } = this.#options;
    const says = this.#endpointComment(this.#service);
    const protocol = this.#protocol.toLowerCase();
    const set = this.#affinitySeconds === undefined ? "" : `-m recent --set ${recentKey(chain, family)}`;
    this.#chains.set(chain, [
      // A backend that is its own client must see another address, or it would answer itself directly.
      joined(from(`${ip}/${family === "IPv4" ? 32 : 128}`), says, `-j ${chainNames.markMasq}`),
      joined(protocolMatch(this.#protocol), says, set, `-m ${protocol} -j DNAT --to-destination ${text}`),
    ]);
  }

  #endpointComment(text: string): string {
    return this.#options.isLarge ? "" : comment(text);
  }

  #share(table: TableName, chain: string, rule: string): void {
    this.#shared.push({ table, chain, rule });
  }
}
