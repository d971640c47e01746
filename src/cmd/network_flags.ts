/** Flags of `fairlead network`: each sets a field of its configuration. */
import { Option, type Command } from "commander";
import { wholeNumber } from "./flag_values.ts";

type Value = string | number | boolean | readonly string[];

interface ConfigFlag {
  readonly flag: string;
  /** Path of the field. */
  readonly field: string;
  readonly help: string;
  readonly parse?: (text: string) => Value;
}

const list = (text: string): readonly string[] => text.split(",").map((part) => part.trim());
const number = wholeNumber(0, 2 ** 31);

const flags: readonly ConfigFlag[] = [
  { flag: "--kubeconfig <file>", field: "clientConnection.kubeconfig", help: "how to reach the API server" },
  { flag: "--node-name <name>", field: "nodeName", help: "name of this machine's Node; default: the machine's" },
  {
    flag: "--node-ip <ips>",
    field: "nodeIPs",
    help: "this node's address, or one of each family by a comma",
    parse: list,
  },
  { flag: "--mode <mode>", field: "overlay.mode", help: "vxlan (default), host-gw, or auto: host-gw on one link" },
  { flag: "--vni <n>", field: "overlay.vni", help: "VXLAN network identifier; default 1", parse: number },
  { flag: "--port <n>", field: "overlay.port", help: "UDP port of VXLAN; default 8472", parse: number },
  {
    flag: "--checksum-offload <state>",
    field: "overlay.checksumOffload",
    help: "of the tunnels: on, off, or auto (default): off on kernels whose checksums are wrong",
  },
  {
    flag: "--cluster-cidr <cidrs>",
    field: "clusterCIDRs",
    help: "where all pods have their addresses, by commas; default: as the Node objects say",
    parse: list,
  },
  {
    flag: "--non-masquerade-cidrs <cidrs>",
    field: "ipMasq.nonMasqueradeCIDRs",
    help: "outside of the cluster, destinations that see pods' own addresses, by commas",
    parse: list,
  },
  { flag: "--mtu <n>", field: "mtu", help: "of pods' links; default: what fits", parse: number },
  { flag: "--cni-socket <path>", field: "cni.socket", help: "where the CNI plugin finds this agent" },
  { flag: "--cni-conf-dir <folder>", field: "cni.confDir", help: "where the configuration list is written" },
  {
    flag: "--container-runtime-endpoint <url>",
    field: "containerRuntimeEndpoint",
    help: "the runtime's socket (unix:///run/containerd/containerd.sock): what its lost sandboxes had is freed",
  },
  { flag: "--state-dir <folder>", field: "stateDir", help: "where it is kept which pod has which address" },
  {
    flag: "--metrics-bind-address <address>",
    field: "metricsBindAddress",
    help: "IP and port that serve /metrics, /healthz and /readyz; default 127.0.0.1:10245",
  },
];

export function configureFlags(command: Command): void {
  for (const { flag, help, parse } of flags) {
    const option = new Option(flag, help);
    command.addOption(parse ? option.argParser(parse) : option);
  }
  command
    .option("--no-ip-masq", "let pods keep their addresses outside of the cluster too")
    .option("--no-pod-fast-path", "let every packet between pods go through the stack")
    .addOption(new Option("--log-format <format>", "default: text on a terminal, else json").choices(["text", "json"]));
}

/** The document with what the command line gives above it. */
export function fieldsOf(command: Command, document: unknown): unknown {
  const isRecord = typeof document === "object" && document !== null && !Array.isArray(document);
  // What is no configuration at all is told by who checks it.
  if (!isRecord) return document;
  const fields = structuredClone(document) as Record<string, unknown>;
  for (const { flag, field } of flags) {
    const name = new Option(flag).attributeName();
    if (command.getOptionValueSource(name) === "cli") set(fields, field.split("."), command.getOptionValue(name));
  }
  if (command.getOptionValueSource("ipMasq") === "cli") set(fields, ["ipMasq", "enabled"], false);
  if (command.getOptionValueSource("podFastPath") === "cli") set(fields, ["podFastPath", "enabled"], false);
  return fields;
}

function set(fields: Record<string, unknown>, [first, ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    fields[first!] = value;
    return;
  }
  const inner = fields[first!];
  fields[first!] = typeof inner === "object" && inner !== null ? inner : {};
  set(fields[first!] as Record<string, unknown>, rest, value);
}
