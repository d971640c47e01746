/**
 * What kube-proxy's iptables mode hands to iptables-restore (pkg/proxy/iptables/proxier.go, syncProxyRules): everything of a
 * table in one transaction at first; then, with each change, the shared chains whole and the chains of what changed. Its
 * rules are those of our mode, which are rendered here.
 */
import type { RenderedPort } from "../../../src/proxy/modes/iptables/render.ts";
import { Ruleset } from "../../../src/proxy/modes/iptables/ruleset.ts";
import { fixedChains, jumps, lastRules, sharedChains } from "../../../src/proxy/modes/iptables/table.ts";
import type { TableName } from "../../../src/proxy/modes/shared/iptables_tables.ts";
import { chainNames } from "../../../src/proxy/modes/iptables/names.ts";
import { endpointAddresses, serviceObject, sliceObject, type ProxyParameters } from "./content.ts";
import { tableOptions, want } from "./table.ts";

const tables = ["mangle", "filter", "nat"] as const;

export class IptablesTexts {
  readonly #ruleset = new Ruleset({
    ...tableOptions,
    nodePortsEverywhere: true,
    localhostNodePorts: false,
    randomFully: true,
    tcpBeLiberal: false,
  });

  /** @param targets addresses of the first Service's endpoints */
  constructor(parameters: ProxyParameters, targets: readonly string[]) {
    for (let i = 0; i < parameters.services; i++) this.#set(i, i === 0 ? targets : endpointAddresses(i, parameters));
  }

  /** Everything, and the kernel's chains' jumps to it. */
  all(): string {
    const own = (table: TableName): readonly string[] =>
      jumps(this.#ruleset.options)
        .filter((jump) => jump.table === table)
        .map(({ chain, rule }) => `-I ${chain} ${rule}`);
    const ports = this.#rendered();
    return tables.map((table) => this.#table(table, ports, ports, [], own(table))).join("");
  }

  /** The first Service's endpoints are replaced. */
  change(targets: readonly string[]): string {
    const before = this.#rendered()[0]!;
    this.#set(0, targets);
    const ports = this.#rendered();
    const gone = [...before.chains.keys()].filter((chain) => !ports[0]!.chains.has(chain));
    return (["filter", "nat"] as const).map((table) => this.#table(table, ports, [ports[0]!], gone, [])).join("");
  }

  #set(i: number, addresses: readonly string[]): void {
    want(this.#ruleset, serviceObject(i), sliceObject(i, addresses));
  }

  #rendered(): readonly RenderedPort[] {
    return Array.from(this.#ruleset.claims.services.keys(), (service) => this.#ruleset.rendered(service));
  }

  /**
   * @param ports whose rules in the shared chains are written
   * @param changed whose own chains are
   */
  #table(
    table: TableName,
    ports: readonly RenderedPort[],
    changed: readonly RenderedPort[],
    gone: readonly string[],
    last: readonly string[],
  ): string {
    const { options } = this.#ruleset;
    const fixed = fixedChains(options).filter((one) => one.table === table);
    const chains = sharedChains.filter((one) => one.table === table).map(({ chain }) => chain as string);
    const own = table === "nat" ? changed.flatMap((port) => [...port.chains]) : [];
    const removed = table === "nat" ? gone : [];
    const rules = [
      ...fixed.flatMap(({ chain, rules: of }) => of.map((rule) => `-A ${chain} ${rule}`)),
      ...ports
        .flatMap((port) => port.shared)
        .flatMap((one) => (one.table === table ? [`-A ${one.chain} ${one.rule}`] : [])),
      ...(table === "nat" ? lastRules(options).map((rule) => `-A ${chainNames.services} ${rule}`) : []),
      ...own.flatMap(([chain, of]) => of.map((rule) => `-A ${chain} ${rule}`)),
    ];
    const emptied = [...fixed.map(({ chain }) => chain), ...chains, ...own.map(([chain]) => chain), ...removed];
    const lines = [
      ...emptied.map((chain) => `:${chain} - [0:0]`),
      ...rules,
      ...removed.map((chain) => `-X ${chain}`),
      ...last,
    ];
    return `*${table}\n${lines.join("\n")}\nCOMMIT\n`;
  }
}
