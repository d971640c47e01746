/** `fairlead trace`: where a connection goes, and why, by what is programmed in this node's tables. */
import { Option, type Command } from "commander";
import { FairleadError } from "../errors/catalogue.ts";
import type { NftablesPort, RoutingPort } from "../kernel/ports.ts";
import { parseIp, type IpAddress } from "../model/address.ts";
import { familyOfIp } from "../model/cidr.ts";
import { protocolNumbers, type IpFamily, type Protocol } from "../model/service.ts";
import type { TracedTables } from "../observe/trace/iptables.ts";
import type { TraceNames } from "../observe/trace/names.ts";
import type { NodeFacts, Outcome, TracedPacket } from "../observe/trace/nftables.ts";
import { ipAddress, wholeNumber } from "./flag_values.ts";

interface Flags {
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly sourcePort: number;
  readonly protocol: Lowercase<Protocol>;
  readonly in?: string;
  readonly mark: number;
  readonly netns?: string;
  readonly kubeconfig?: string;
  readonly json?: boolean;
}

export function configure(command: Command): void {
  const port = wholeNumber(1, 65_535);
  command
    .requiredOption("--from <address>", "who connects: an address of this node, of a pod, of anybody", ipAddress)
    .requiredOption("--to <address>", "to which address: of a Service, of this node", ipAddress)
    .requiredOption("--port <number>", "to which port", port)
    .addOption(new Option("--protocol <name>", "by which protocol").choices(["tcp", "udp", "sctp"]).default("tcp"))
    .option("--source-port <number>", "from which port", port, 40_000)
    .option("--in <link>", "the link that packets come in by; default: the one that leads back to --from")
    .option("--mark <number>", "the mark that packets have", wholeNumber(0, 0xffff_ffff), 0)
    .option("--netns <name>", "a network namespace under /run/netns, or the path of one; default: this one")
    .option(
      "--kubeconfig <file>",
      "name Services and pods as this cluster's API does: who may list Services and EndpointSlices",
    )
    .option("--json", "print every outcome with its steps, as JSON")
    .action(() => run(command.opts<Flags>(), command));
}

async function run(flags: Flags, command: Command): Promise<void> {
  const [from, to] = [parseIp(flags.from)!, parseIp(flags.to)!];
  const family = familyOfIp(from);
  if (familyOfIp(to) !== family) command.error("error: --from and --to must be of one address family");
  const namespace = flags.netns === undefined ? null : pathOf(flags.netns);
  const [{ explain }, { nodeFactsOf }, observed] = await Promise.all([
    import("../observe/trace/explain.ts"),
    import("../observe/trace/node.ts"),
    observe(namespace, family, from),
  ]);
  const node = nodeFactsOf(observed.addresses);
  const inInterface = node.isLocal(from) ? undefined : (flags.in ?? observed.link ?? "");
  const packet: TracedPacket = {
    family,
    protocol: protocolNumbers[flags.protocol.toUpperCase() as Protocol],
    source: from,
    destination: to,
    sourcePort: flags.sourcePort,
    destinationPort: flags.port,
    mark: flags.mark,
    ...(inInterface === undefined ? {} : { inInterface }),
  };
  const outcomes = observed.trace(packet, node);
  const names = flags.kubeconfig === undefined ? undefined : await ask(flags.kubeconfig, packet, node);
  if (flags.json) {
    const named = names && { service: names.service, endpoints: Object.fromEntries(names.endpoints) };
    return print([JSON.stringify({ packet, outcomes, ...(named ? { names: named } : {}) }, null, 2)]);
  }
  const service = names && [names.service === undefined ? "no Service's address" : `Service ${names.service}`];
  print([describe(packet, flags), ...(service ?? []), ...explain(sorted(outcomes), names)]);
}

/** @throws StatusError where the API server refuses; FairleadError KUBECONFIG */
async function ask(kubeconfig: string, packet: TracedPacket, node: NodeFacts): Promise<TraceNames> {
  const [{ HttpClient }, { resourceTypes }, { namesFor }] = await Promise.all([
    import("../api/http/http_client.ts"),
    import("../api/resource_types.ts"),
    import("../observe/trace/names.ts"),
  ]);
  const client = new HttpClient({ kubeconfig, userAgent: "fairlead-trace" });
  try {
    const [services, slices] = await Promise.all([
      client.list(resourceTypes.services),
      client.list(resourceTypes.endpointSlices),
    ]);
    return namesFor(packet, node, services.items, slices.items);
  } finally {
    client.close();
  }
}

function pathOf(netns: string): string {
  return netns.includes("/") ? netns : `/run/netns/${netns}`;
}

/** What the kernel holds, and by which link an address is reached. */
async function observe(namespace: string | null, family: IpFamily, from: IpAddress) {
  const [{ RealNftables }, { openRouting }, { linkOf }] = await Promise.all([
    import("../kernel/real/nftables.ts"),
    import("../kernel/real/routing.ts"),
    import("../observe/trace/node.ts"),
  ]);
  const nftables = await RealNftables.open(namespace);
  const routing = await openRouting({ namespace }).catch((error: unknown) => {
    nftables.close();
    throw error;
  });
  try {
    const trace = (await ofTable(nftables, family)) ?? (await ofIptables(namespace, family, routing));
    if (!trace) {
      const subject = `${family} packets`;
      throw new FairleadError("TRACE", { subject, reason: "no rules of ours are there: 'fairlead proxy' makes them" });
    }
    const kernelFamily = family === "IPv4" ? "ip" : "ip6";
    const [addresses, routes, links] = await Promise.all([
      routing.addresses({ family: kernelFamily }),
      routing.routes({ family: kernelFamily }),
      routing.links(),
    ]);
    return { trace, addresses, link: linkOf(from, routes, links) };
  } finally {
    nftables.close();
    routing.close();
  }
}

type Trace = (packet: TracedPacket, node: NodeFacts) => readonly Outcome[];

/** Of the nftables mode. @returns undefined where its table is not there */
async function ofTable(nftables: NftablesPort, family: IpFamily): Promise<Trace | undefined> {
  const [{ tracePacket }, { tableOf }] = await Promise.all([
    import("../observe/trace/nftables.ts"),
    import("../proxy/modes/nftables/plan.ts"),
  ]);
  const table = await nftables.list(tableOf({ family }));
  return table && ((packet, node) => tracePacket(table, packet, node));
}

/**
 * Of the modes with chains of iptables, by the chain that says that they are ours; others' rules lead packets, too. Of
 * those, the ipvs mode has chains of its own.
 */
async function ofIptables(
  namespace: string | null,
  family: IpFamily,
  routing: RoutingPort,
): Promise<Trace | undefined> {
  const [{ openIptables }, { chainNames }, { decodeSaved }, { traceIptables }, { paced }] = await Promise.all([
    import("../kernel/real/iptables.ts"),
    import("../proxy/modes/ipvs/names.ts"),
    import("../proxy/modes/shared/iptables_saved.ts"),
    import("../observe/trace/iptables.ts"),
    import("../reconcile/pace.ts"),
  ]);
  const program = family === "IPv4" ? "iptables" : "ip6tables";
  for (const variant of ["nft", "legacy"] as const) {
    const saved = await openIptables(program, variant, namespace).save();
    if (!saved.includes(`:${chainNames.owner} `)) continue;
    const tables = await paced(decodeSaved(saved));
    if (saved.includes(`:${chainNames.ipvsFilter} `)) return ofIpvs(namespace, tables, routing);
    return (packet, node) => traceIptables(tables, packet, node);
  }
  return undefined;
}

async function ofIpvs(namespace: string | null, tables: TracedTables, routing: RoutingPort): Promise<Trace> {
  const [{ openIpset }, { openIpvs }, { traceIpvs }, { boundAddresses }] = await Promise.all([
    import("../kernel/real/ipset.ts"),
    import("../kernel/real/ipvs.ts"),
    import("../observe/trace/ipvs.ts"),
    import("../proxy/apply/service_addresses.ts"),
  ]);
  const [ipset, ipvs] = await Promise.all([openIpset({ namespace }), openIpvs({ namespace })]);
  try {
    const addresses = await boundAddresses(routing);
    const [sets, servers] = await Promise.all([ipset.list(), ipvs?.list() ?? []]);
    return (packet, node) => traceIpvs({ tables, sets, servers, addresses }, packet, node);
  } finally {
    ipset.close();
    ipvs?.close();
  }
}

function describe({ source, destination, destinationPort, inInterface }: TracedPacket, { protocol }: Flags): string {
  const by =
    inInterface === undefined ? "from this node itself" : `in by ${inInterface === "" ? "no link" : inInterface}`;
  return `${protocol} from ${source} to ${destination} port ${destinationPort}, ${by}`;
}

function sorted(outcomes: readonly Outcome[]): readonly Outcome[] {
  return [...outcomes].sort((a, b) => b.probability - a.probability);
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}
