/** `fairlead dns`: cluster DNS alone, in the place of CoreDNS. */
import { InvalidArgumentError, type Command } from "commander";
import { decodeAddress, type UpstreamAddress } from "../dns/forward/decode.ts";
import { ipAddress, repeated, wholeNumber } from "./flag_values.ts";
import type { DnsOptions } from "./run_dns.ts";

type StubDomains = ReadonlyMap<string, readonly UpstreamAddress[]>;

interface Flags extends Omit<DnsOptions, "bindAddresses" | "stubDomains" | "log"> {
  readonly bind?: readonly string[];
  readonly stubDomain?: StubDomains;
  readonly logFormat?: "text" | "json";
}

export function configure(command: Command): void {
  command
    .option("--kubeconfig <file>", "how to reach the API server; default: as a pod")
    .option("--bind <ips>", "addresses to answer on, by commas; default 127.0.0.1", addresses)
    .option("--port <n>", "UDP and TCP port", wholeNumber(1, 65_535), 53)
    .option("--cluster-domain <domain>", "the cluster's zone", domain, "cluster.local")
    .option("--upstream <address>", "server for all other names (repeated); default: as --resolv-conf says", upstream)
    .option("--resolv-conf <file>", "where servers for all other names stand", "/etc/resolv.conf")
    .option("--stub-domain <domain=addresses>", "servers for names of one domain, by commas (repeated)", stubDomain)
    .option("--cache-seconds <n>", "how long others' answers are kept at most", wholeNumber(0, 86_400), 30)
    .option(
      "--metrics-bind-address <address>",
      "IP and port of /metrics, /health and /ready",
      endpoint,
      "127.0.0.1:9153",
    )
    .option("--log-format <format>", "text or json; default: text on a terminal", logFormat);
  command.action(async () => {
    const { bind = ["127.0.0.1"], stubDomain = new Map(), logFormat: format, ...flags } = command.opts<Flags>();
    const [{ openLog }, { runDns }] = await Promise.all([import("../log/log.ts"), import("./run_dns.ts")]);
    const programLog = openLog({ format: format ?? (process.stdout.isTTY ? "text" : "json"), verbosity: 0 });
    try {
      await runDns({ ...flags, bindAddresses: bind, stubDomains: stubDomain }, programLog);
    } finally {
      programLog.flush();
    }
    process.exit(0);
  });
}

function addresses(text: string, before: readonly string[] | undefined): readonly string[] {
  return repeated(text, before).map(ipAddress);
}

function domain(text: string): string {
  const name = text.replace(/\.$/, "").toLowerCase();
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)) throw new InvalidArgumentError("It must be a domain name.");
  return name;
}

function server(text: string): UpstreamAddress {
  const address = decodeAddress(text);
  if (!address) throw new InvalidArgumentError(`"${text}" is no IP address, with or without a port.`);
  return address;
}

function upstream(text: string, before: readonly UpstreamAddress[] | undefined): readonly UpstreamAddress[] {
  return [...(before ?? []), ...repeated(text, undefined).map(server)];
}

function stubDomain(text: string, before: StubDomains | undefined): StubDomains {
  const [name = "", servers = ""] = text.split("=", 2);
  const given = repeated(servers, undefined).map(server);
  if (given.length === 0) throw new InvalidArgumentError("It must be like corp.example=10.0.0.1.");
  return new Map([...(before ?? []), [domain(name), given]]);
}

function endpoint(text: string): string {
  if (!/:\d+$/.test(text)) throw new InvalidArgumentError("It must be an IP address and a port.");
  server(text);
  return text;
}

function logFormat(text: string): "text" | "json" {
  if (text === "text" || text === "json") return text;
  throw new InvalidArgumentError("It must be text or json.");
}
