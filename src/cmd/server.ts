/** `fairlead server`: the control plane alone. Flags carry upstream's names where it has them. */
import path from "node:path";
import { Option, type Command } from "commander";
import type { ControllerRow } from "../controlplane/controllers/controller.ts";
import { chosenRows } from "../controlplane/controllers/manager.ts";
import type { EtcdOptions, PortRange, ServerOptions } from "../controlplane/server/options.ts";
import { configureControllers, controllerOptionsOf, type ControllerFlags } from "./controller_flags.ts";
import { addressRanges, etcdServers, ipAddress, portRange, repeated, wholeNumber } from "./flag_values.ts";
import { securing, securityOf, type SecurityFlagValues } from "./security_flags.ts";

interface Flags extends ControllerFlags, SecurityFlagValues {
  readonly dataDir: string;
  readonly bindAddress: string;
  readonly securePort: number;
  readonly advertiseAddress?: string;
  readonly tlsSan?: readonly string[];
  readonly serviceClusterIpRange: readonly string[];
  readonly serviceNodePortRange: PortRange;
  readonly etcdServers?: readonly [string, ...string[]];
  readonly etcdCafile?: string;
  readonly etcdCertfile?: string;
  readonly etcdKeyfile?: string;
  readonly etcdPrefix: string;
  readonly maxRequestsInflight: number;
  readonly maxMutatingRequestsInflight: number;
  readonly logFormat?: "text" | "json";
  readonly v: number;
}

export const defaultDataDir = "/var/lib/fairlead";

export function configure(command: Command): void {
  listening(command);
  storing(command);
  securing(command);
  configureControllers(command);
  running(command);
  command.action(async (flags: Flags) => {
    const options = optionsOf(flags, command);
    // Loaded now: a wrong flag needs no control plane to be refused.
    const [{ openLog }, { runServer }, { controllerTable }] = await Promise.all([
      import("../log/log.ts"),
      import("../controlplane/server/run.ts"),
      import("../controlplane/controllers/table.ts"),
    ]);
    checkControllers(controllerTable, options.controllers, command);
    const format = flags.logFormat ?? (process.stdout.isTTY ? "text" : "json");
    const log = openLog({ format, verbosity: flags.v });
    try {
      await runServer(options, log);
    } finally {
      log.flush();
    }
    // Everything is closed; a handle that somebody forgot must not keep a stopped server alive.
    process.exit(0);
  });
}

function listening(command: Command): void {
  command
    .option("--bind-address <ip>", "address to listen on", ipAddress, "0.0.0.0")
    .option("--secure-port <port>", "port to listen on; 0 takes a free one", wholeNumber(0, 65535), 6443)
    .option("--advertise-address <ip>", "address by which others reach this server", ipAddress)
    .option("--tls-san <name>", "further name or address of the serving certificate (repeatable)", repeated)
    .addOption(
      new Option("--service-cluster-ip-range <range>", "addresses of Services: one range, or two of two families")
        .argParser(addressRanges)
        .default(["10.96.0.0/12"], "10.96.0.0/12"),
    )
    .addOption(
      new Option("--service-node-port-range <range>", "ports of Services of type NodePort")
        .argParser(portRange)
        .default({ from: 30000, to: 32767 }, "30000-32767"),
    );
}

function storing(command: Command): void {
  command
    .option("--data-dir <folder>", "where everything is kept, keys and certificates too", defaultDataDir)
    .option("--etcd-servers <urls>", "etcd's endpoints, by commas; without, the store is embedded", etcdServers)
    .option("--etcd-cafile <file>", "authority of etcd's certificates")
    .option("--etcd-certfile <file>", "client certificate for etcd")
    .option("--etcd-keyfile <file>", "key of the client certificate for etcd")
    .option("--etcd-prefix <prefix>", "in front of every key in etcd", "/registry");
}

function running(command: Command): void {
  const bound = wholeNumber(0, 1_000_000);
  command
    .option("--max-requests-inflight <n>", "reads answered at one time; 0: no bound", bound, 400)
    .option("--max-mutating-requests-inflight <n>", "writes answered at one time; 0: no bound", bound, 200)
    .addOption(new Option("--log-format <format>", "default: text on a terminal, else json").choices(["text", "json"]))
    .option("--v <level>", "how much is logged; from 4 on, every request", wholeNumber(0, 10), 0);
}

/** @throws CommanderError that names what is no controller */
function checkControllers(table: readonly ControllerRow[], chosen: readonly string[], command: Command): void {
  try {
    chosenRows(table, chosen);
  } catch (error) {
    command.error(`error: option '--controllers <names>' is invalid: ${(error as Error).message}`);
  }
}

/** @throws CommanderError where flags do not go together */
function optionsOf(flags: Flags, command: Command): ServerOptions {
  const etcd = etcdOf(flags, command);
  if (flags.allocateNodeCidrs && !flags.clusterCidr) {
    command.error("error: option '--allocate-node-cidrs' needs --cluster-cidr");
  }
  return {
    dataDir: path.resolve(flags.dataDir),
    bindAddress: flags.bindAddress,
    securePort: flags.securePort,
    tlsSans: flags.tlsSan ?? [],
    serviceCidrs: flags.serviceClusterIpRange,
    serviceNodePorts: flags.serviceNodePortRange,
    maxRequestsInFlight: flags.maxRequestsInflight,
    maxMutatingRequestsInFlight: flags.maxMutatingRequestsInflight,
    controllers: flags.controllers ?? ["*"],
    controllerOptions: controllerOptionsOf(flags, flags.serviceClusterIpRange),
    scheduler: !flags.disableScheduler,
    leaderElect: flags.leaderElect ?? etcd !== undefined,
    ...(flags.advertiseAddress === undefined ? {} : { advertiseAddress: flags.advertiseAddress }),
    ...(etcd === undefined ? {} : { etcd }),
    security: securityOf(flags, command),
  };
}

function etcdOf(flags: Flags, command: Command): EtcdOptions | undefined {
  const { etcdServers: servers, etcdCafile, etcdCertfile, etcdKeyfile, etcdPrefix } = flags;
  const files = { "--etcd-cafile": etcdCafile, "--etcd-certfile": etcdCertfile, "--etcd-keyfile": etcdKeyfile };
  const given = Object.entries(files).find(([, file]) => file !== undefined);
  if (!servers) {
    if (given) command.error(`error: option '${given[0]}' needs --etcd-servers`);
    return undefined;
  }
  if (given && servers[0].startsWith("http:")) {
    command.error(`error: option '${given[0]}' is for https, and --etcd-servers names http`);
  }
  if ((etcdCertfile === undefined) !== (etcdKeyfile === undefined)) {
    command.error("error: options '--etcd-certfile' and '--etcd-keyfile' need each other");
  }
  return {
    servers,
    prefix: etcdPrefix,
    ...(etcdCafile === undefined ? {} : { caFile: etcdCafile }),
    ...(etcdCertfile === undefined ? {} : { certFile: etcdCertfile }),
    ...(etcdKeyfile === undefined ? {} : { keyFile: etcdKeyfile }),
  };
}
