/** The iptables mode, for the agent. */
import type { KubeProxyConfiguration } from "../../config/kube_proxy.ts";
import type { IptablesPort } from "../../kernel/ports.ts";
import { parseCidr } from "../../model/cidr.ts";
import type { FrontendCount, IpFamily } from "../../model/service.ts";
import { IptablesChains } from "../apply/iptables.ts";
import type { Conflict } from "../derive/claims.ts";
import type { WantedPort } from "../derive/derive.ts";
import type { ModeOptions } from "../derive/mode_options.ts";
import type { IptablesOptions } from "../modes/iptables/options.ts";
import { Ruleset } from "../modes/iptables/ruleset.ts";
import { nodePortAddresses, ofFamily } from "./derive.ts";
import type { FamilyRules, ProxyMode, RulesWatch } from "./mode.ts";

export interface IptablesModeOptions {
  readonly ports: Readonly<Record<IpFamily, IptablesPort>>;
  readonly config: KubeProxyConfiguration;
  readonly randomFully: boolean;
}

export function iptablesMode({ ports, config, randomFully }: IptablesModeOptions): ProxyMode {
  const families: IptablesRules[] = [];
  const { localhostNodePorts } = config.iptables;
  const { tcpBeLiberal } = config.conntrack;
  return {
    name: "iptables",
    section: config.iptables,
    rules: (options) => {
      const nodePortsEverywhere = isEverywhere(config.nodePortAddresses, options.family);
      const fixed = { nodePortsEverywhere, localhostNodePorts, tcpBeLiberal, randomFully };
      const rules = new IptablesRules(ports[options.family], options, fixed);
      families.push(rules);
      return rules;
    },
    watch: () => canaryWatch(families),
    nodePortAddresses: (ips, local, family) => {
      const configured = config.nodePortAddresses ?? ["all"];
      const loopback = family === "IPv4" && localhostNodePorts && configured.some(holdsLoopback);
      return nodePortAddresses(loopback ? [...configured, "localhost"] : configured, ips, local, family);
    },
  };
}

/** Upstream's NodePortAddresses.MatchAll: nothing of the family, or a range of all of it. */
export function isEverywhere(configured: readonly string[] = ["all"], family: IpFamily): boolean {
  if (configured.some((one) => one === "all" || one === "0.0.0.0/0" || one === "::/0")) {
    return configured.includes("all") || configured.includes(family === "IPv4" ? "0.0.0.0/0" : "::/0");
  }
  const isNamed = configured.some((one) => one === "primary" || one === "localhost");
  return !isNamed && ofFamily(configured, family).length === 0;
}

/** Whether 127.0.0.1 serves node ports, so that the kernel must route it (upstream: ContainsIPv4Loopback). */
export function servesLocalhost({ iptables, nodePortAddresses: configured }: KubeProxyConfiguration): boolean {
  const isNamed = configured?.some((one) => one === "localhost" || holdsLoopback(one)) ?? false;
  return iptables.localhostNodePorts && (isNamed || isEverywhere(configured, "IPv4"));
}

function holdsLoopback(configured: string): boolean {
  return parseCidr(configured)?.address.startsWith("127.") ?? false;
}

type Fixed = Omit<IptablesOptions, keyof ModeOptions>;

export class IptablesRules implements FamilyRules {
  readonly #ruleset: Ruleset;
  readonly #chains: IptablesChains;
  readonly #fixed: Fixed;

  constructor(port: IptablesPort, options: ModeOptions, fixed: Fixed) {
    this.#fixed = fixed;
    this.#ruleset = new Ruleset({ ...options, ...fixed });
    this.#chains = new IptablesChains(port, this.#ruleset);
  }

  get options(): ModeOptions {
    return this.#ruleset.options;
  }

  configure(options: ModeOptions): void {
    this.#ruleset.configure({ ...options, ...this.#fixed });
  }

  set(service: string, wanted: WantedPort | undefined): void {
    this.#ruleset.set(service, wanted);
  }

  wanted(service: string): WantedPort | undefined {
    return this.#ruleset.wanted(service);
  }

  rivalsFor(wanted: WantedPort | undefined): readonly string[] {
    return this.#ruleset.rivalsFor(wanted);
  }

  refusedTo(service: string): readonly Conflict[] {
    return this.#ruleset.refusedTo(service);
  }

  /** Chains are shared with whatever kube-proxy was here: the first sync must know every Service. */
  adopt(): Promise<boolean> {
    return Promise.resolve(true);
  }

  sync(): Promise<number> {
    return this.#chains.sync();
  }

  repair(): Promise<number> {
    return this.#chains.repair();
  }

  hasCanaries(): Promise<boolean> {
    return this.#chains.hasCanaries();
  }

  counts(): Promise<readonly FrontendCount[]> {
    return this.#chains.counts();
  }
}

/** Others empty whole tables: firewalld when it is reloaded. The agent asks each syncPeriod, as upstream's Monitor does. */
function canaryWatch(families: readonly IptablesRules[]): RulesWatch {
  return {
    start: () => Promise.resolve(),
    stop: () => undefined,
    sawEverything: async () => {
      for (const family of families) if (!(await family.hasCanaries())) return false;
      return true;
    },
  };
}
