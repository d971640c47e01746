/**
 * kube-proxy's flags (cmd/kube-proxy/app/options.go) as fields of its configuration: what a flag sets is read and
 * checked as if it stood in a file.
 */
import { InvalidArgumentError, Option, type Command } from "commander";
import { truth } from "./flag_values.ts";

/** A value of the configuration, as YAML has it. */
type Value = string | number | boolean | readonly string[] | Readonly<Record<string, boolean>>;

interface ConfigFlag {
  /** As commander has it: "--bind-address <ip>". */
  readonly flag: string;
  /** Paths of the fields that it sets. */
  readonly fields: readonly string[];
  readonly help: string;
  readonly parse?: (text: string) => Value;
}

function whole(text: string): number {
  if (!/^-?\d+$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

function decimal(text: string): number {
  if (text === "" || !Number.isFinite(Number(text))) throw new InvalidArgumentError("It must be a number.");
  return Number(text);
}

function list(text: string): readonly string[] {
  return text.split(",").map((part) => part.trim());
}

function gates(text: string): Readonly<Record<string, boolean>> {
  const pairs = list(text).filter((pair) => pair !== "");
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = "", value = ""] = pair.split("=");
      return [name, truth(value)];
    }),
  );
}

function text(flag: string, field: string, help: string): ConfigFlag {
  return { flag, fields: [field], help };
}

function number(flag: string, field: string, help: string): ConfigFlag {
  return { flag: `${flag} <n>`, fields: [field], help, parse: whole };
}

function period(flag: string, fields: readonly string[], help: string): ConfigFlag {
  return { flag: `${flag} <duration>`, fields, help };
}

function yes(flag: string, fields: readonly string[], help: string): ConfigFlag {
  return { flag: `${flag} [true|false]`, fields, help, parse: truth };
}

/** In the order of their names. */
export const configFlags: readonly ConfigFlag[] = [
  text("--bind-address <ip>", "bindAddress", "the node's primary address, in the place of the Node object's"),
  yes("--bind-address-hard-fail", ["bindAddressHardFail"], "end where a port of health or metrics cannot be had"),
  text("--cluster-cidr <cidrs>", "clusterCIDR", "range of the cluster's pods, or two of two families by a comma"),
  period("--config-sync-period", ["configSyncPeriod"], "taken; watches make it needless"),
  number("--conntrack-max-per-core", "conntrack.maxPerCore", "connections tracked for each core; 0: as it is"),
  number("--conntrack-min", "conntrack.min", "connections tracked at the least"),
  yes("--conntrack-tcp-be-liberal", ["conntrack.tcpBeLiberal"], "take TCP packets that are out of the window"),
  period("--conntrack-tcp-timeout-close-wait", ["conntrack.tcpCloseWaitTimeout"], "of connections in CLOSE_WAIT"),
  period("--conntrack-tcp-timeout-established", ["conntrack.tcpEstablishedTimeout"], "of idle connections"),
  period("--conntrack-udp-timeout", ["conntrack.udpTimeout"], "of UDP without an answer"),
  period("--conntrack-udp-timeout-stream", ["conntrack.udpStreamTimeout"], "of UDP with answers"),
  text("--detect-local-mode <mode>", "detectLocalMode", "ClusterCIDR, NodeCIDR, BridgeInterface, InterfaceNamePrefix"),
  { flag: "--feature-gates <gates>", fields: ["featureGates"], help: "taken, and of no effect", parse: gates },
  text("--healthz-bind-address <address>", "healthzBindAddress", "where health is served; empty: nowhere"),
  yes("--iptables-localhost-nodeports", ["iptables.localhostNodePorts"], "of the iptables mode"),
  number("--iptables-masquerade-bit", "iptables.masqueradeBit", "of the iptables and ipvs modes"),
  period(
    "--iptables-min-sync-period",
    ["iptables.minSyncPeriod", "nftables.minSyncPeriod"],
    "least time between syncs",
  ),
  period("--iptables-sync-period", ["iptables.syncPeriod", "nftables.syncPeriod"], "how often all is looked at again"),
  {
    flag: "--ipvs-exclude-cidrs <cidrs>",
    fields: ["ipvs.excludeCIDRs"],
    help: "of the ipvs mode",
    parse: list,
  },
  period("--ipvs-min-sync-period", ["ipvs.minSyncPeriod"], "of the ipvs mode"),
  text("--ipvs-scheduler <name>", "ipvs.scheduler", "of the ipvs mode"),
  yes("--ipvs-strict-arp", ["ipvs.strictARP"], "of the ipvs mode"),
  period("--ipvs-sync-period", ["ipvs.syncPeriod"], "of the ipvs mode"),
  period("--ipvs-tcp-timeout", ["ipvs.tcpTimeout"], "of the ipvs mode"),
  period("--ipvs-tcpfin-timeout", ["ipvs.tcpFinTimeout"], "of the ipvs mode"),
  period("--ipvs-udp-timeout", ["ipvs.udpTimeout"], "of the ipvs mode"),
  number("--kube-api-burst", "clientConnection.burst", "taken, and of no effect: requests are few"),
  text("--kube-api-content-type <type>", "clientConnection.contentType", "taken, and of no effect: JSON is spoken"),
  {
    flag: "--kube-api-qps <n>",
    fields: ["clientConnection.qps"],
    help: "taken, and of no effect: requests are few",
    parse: decimal,
  },
  text("--kubeconfig <file>", "clientConnection.kubeconfig", "credentials; without, those of this pod"),
  yes(
    "--masquerade-all",
    ["iptables.masqueradeAll", "nftables.masqueradeAll"],
    "masquerade all that goes to cluster IPs",
  ),
  text("--metrics-bind-address <address>", "metricsBindAddress", "where metrics are served; empty: nowhere"),
  {
    flag: "--nodeport-addresses <list>",
    fields: ["nodePortAddresses"],
    help: "ranges of addresses that serve node ports, or primary; localhost and all are ours",
    parse: list,
  },
  number("--oom-score-adj", "oomScoreAdj", "of this process"),
  text("--pod-bridge-interface <name>", "detectLocal.bridgeInterface", "with --detect-local-mode BridgeInterface"),
  text(
    "--pod-interface-name-prefix <text>",
    "detectLocal.interfaceNamePrefix",
    "with --detect-local-mode InterfaceNamePrefix",
  ),
  yes("--profiling", ["enableProfiling"], "taken, and of no effect"),
  text("--proxy-mode <mode>", "mode", "nftables; empty or auto: the best that there is"),
  text("--show-hidden-metrics-for-version <version>", "showHiddenMetricsForVersion", "taken, and of no effect"),
];

/** Adds the flags. Go takes `--flag=true` and `--flag` alike. */
export function configureFlags(command: Command): void {
  for (const { flag, help, parse } of configFlags) {
    const option = new Option(flag, help);
    if (flag.includes("[")) option.preset("true");
    if (parse) option.argParser(parse);
    command.addOption(option);
  }
}

/** Names of the flags that were given, of those that a configuration file takes the place of. */
export function givenFlags(command: Command): readonly string[] {
  return configFlags.filter((flag) => isGiven(command, flag)).map(nameOf);
}

/** What the flags that were given set, as a configuration file would have it. */
export function configOf(command: Command): object {
  const config = { apiVersion: "kubeproxy.config.k8s.io/v1alpha1", kind: "KubeProxyConfiguration" };
  for (const flag of configFlags) {
    if (!isGiven(command, flag)) continue;
    const value: unknown = command.getOptionValue(optionName(flag));
    for (const field of flag.fields) setField(config, field.split("."), value);
  }
  return config;
}

/**
 * Addresses whose flags were given empty: what they name is not served. In a file empty is the default, as upstream has it
 * (pkg/proxy/apis/config/v1alpha1/defaults.go, cmd/kube-proxy/app, addressFromDeprecatedFlags).
 */
export function switchedOff(command: Command): { readonly [F in AddressField]?: undefined } {
  const off = addressFields.filter((field) => isGivenEmpty(command, field));
  return Object.fromEntries(off.map((field) => [field, undefined]));
}

const addressFields = ["healthzBindAddress", "metricsBindAddress"] as const;
type AddressField = (typeof addressFields)[number];

function isGivenEmpty(command: Command, field: AddressField): boolean {
  const flag = configFlags.find(({ fields }) => fields.includes(field))!;
  return isGiven(command, flag) && command.getOptionValue(optionName(flag)) === "";
}

function isGiven(command: Command, flag: ConfigFlag): boolean {
  return command.getOptionValueSource(optionName(flag)) === "cli";
}

function nameOf({ flag }: ConfigFlag): string {
  return flag.split(" ")[0]!;
}

/** As commander stores it: "bindAddress". */
function optionName(flag: ConfigFlag): string {
  return new Option(flag.flag).attributeName();
}

function setField(object: object, [first = "", ...rest]: readonly string[], value: unknown): void {
  const fields = object as Record<string, object | undefined>;
  if (rest.length === 0) Object.assign(fields, { [first]: value });
  else setField((fields[first] ??= {}), rest, value);
}
