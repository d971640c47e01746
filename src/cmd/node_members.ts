/** `fairlead node join`: makes this machine a node of a cluster; `stop` and `start`: nodes of `fairlead up --nodes`. */
import os from "node:os";
import { InvalidArgumentError, Option, type Command } from "commander";
import { FairleadError } from "../errors/catalogue.ts";
import type { UpContext } from "../up/context.ts";
import { instanceOf } from "../up/instance.ts";
import { parseToken, type BootstrapToken } from "../up/join/token.ts";
import type { UpSettings } from "../up/settings.ts";
import { ipAddress, repeated } from "./flag_values.ts";
import {
  instanceFlags,
  openUnderlay,
  programs,
  progressOf,
  startedContext,
  type InstanceFlags,
} from "./instance_flags.ts";

interface JoinFlags extends InstanceFlags {
  readonly token?: BootstrapToken;
  readonly discoveryTokenCaCertHash?: readonly string[];
  readonly discoveryTokenUnsafeSkipCaVerification?: boolean;
  readonly nodeName?: string;
  readonly nodeIp?: string;
  readonly containerRuntimeEndpoint?: string;
  readonly detach?: boolean;
  readonly keepPods?: boolean;
}

export function configureMembers(command: Command): void {
  configureJoin(command);
  instanceFlags(command.command("stop").description("cut the power of a node of 'fairlead up --nodes'"))
    .argument("<name>", "the node's")
    .action(async (name: string, flags: InstanceFlags) => {
      const [{ nodeNamed, withUnderlay }, { powerOff }] = await Promise.all([
        import("../up/nodes/further.ts"),
        import("../up/nodes/power.ts"),
      ]);
      const context = await startedContext(flags);
      const node = await nodeNamed(context, name);
      const off = (): Promise<void> => withUnderlay(context, (underlay) => powerOff(node, underlay));
      await context.progress.step(`node ${name}`, off, () => "stopped; 'fairlead node start' brings it back");
      process.exit(0);
    });
  instanceFlags(command.command("start").description("bring back a node that was stopped"))
    .argument("<name>", "the node's")
    .action(async (name: string, flags: InstanceFlags) => {
      const { nodeNamed, startNode, withUnderlay } = await import("../up/nodes/further.ts");
      const context = await startedContext(flags);
      const node = await nodeNamed(context, name);
      const on = (): Promise<void> => withUnderlay(context, (underlay) => startNode(node, underlay, {}));
      await context.progress.step(`node ${name}`, on, () => "Ready");
      process.exit(0);
    });
}

function configureJoin(command: Command): void {
  instanceFlags(command.command("join").description("make this machine a node of a cluster"))
    .argument("<address>", "the API server's: host:port")
    .addOption(new Option("--token <token>", "a bootstrap token, of 'fairlead token create'").argParser(token))
    .option("--discovery-token-ca-cert-hash <hash>", "of the authority's public key: sha256:… (repeatable)", hashes)
    .option("--discovery-token-unsafe-skip-ca-verification", "believe whoever knows the token")
    .option("--node-name <name>", "name of the node; default: the machine's")
    .option("--node-ip <ip>", "address of the node; default: that of the default route", ipAddress)
    .option("--container-runtime-endpoint <url>", "a containerd that runs; default: one of our own")
    .option("-d, --detach", "return when the node is ready, and let it run on")
    .option("--keep-pods", "at SIGTERM, end what is ours and let pods run on (for systemd)")
    .action(async (address: string, flags: JoinFlags) => {
      const [{ runUp, detach }, { joinCluster }] = await Promise.all([
        import("./run_up.ts"),
        import("../up/join/join.ts"),
      ]);
      if (flags.detach) process.exit(await detach());
      const server = serverOf(address);
      const invitation = invitationOf(server, flags);
      const options = {
        wanted: () => joinContext(server, flags),
        started: () => startedContext(flags),
        begin: (context: UpContext) => joinCluster(context, invitation ? { invitation } : {}),
        keepPods: flags.keepPods ?? false,
        what: "node",
      };
      process.exit(await runUp(options));
    });
}

function invitationOf(server: string, flags: JoinFlags) {
  const { token, discoveryTokenCaCertHash: hashes = [], discoveryTokenUnsafeSkipCaVerification: skips } = flags;
  if (token === undefined) return undefined;
  if (hashes.length === 0 && skips !== true) {
    const reason =
      "nothing says which authority is the right one: give --discovery-token-ca-cert-hash, or --discovery-token-unsafe-skip-ca-verification";
    throw new FairleadError("NODE_JOIN", { subject: server, reason });
  }
  return { server, token, hashes };
}

/** What this machine is; what the cluster is, it says itself. */
async function joinContext(server: string, flags: JoinFlags): Promise<UpContext> {
  const [{ defaultClusterCidr, defaultNodeNetwork, defaultServiceCidr, readSettings }, { nodeAddress }] =
    await Promise.all([import("../up/settings.ts"), import("../up/node_address.ts")]);
  const instance = instanceOf(flags.dataDir);
  const before = await readSettings(instance);
  if (before !== undefined && before.server === undefined) {
    const reason =
      "it has a control plane of its own there: 'fairlead down --purge' removes it, --data-dir names another";
    throw new FairleadError("NODE_JOIN", { subject: server, reason });
  }
  const runtimeEndpoint = flags.containerRuntimeEndpoint ?? before?.runtimeEndpoint;
  const settings: UpSettings = {
    nodeName: (flags.nodeName ?? before?.nodeName ?? os.hostname()).trim().toLowerCase(),
    nodeIp: flags.nodeIp ?? (await nodeAddress(before?.nodeIp)),
    securePort: 0,
    clusterCidr: before?.clusterCidr ?? defaultClusterCidr,
    serviceCidr: before?.serviceCidr ?? defaultServiceCidr,
    nodeNetwork: defaultNodeNetwork,
    context: "",
    server: before?.server ?? server,
    ...(runtimeEndpoint === undefined ? {} : { runtimeEndpoint }),
  };
  return { instance, settings, progress: progressOf(flags), programs: programs(), openUnderlay };
}

function serverOf(address: string): string {
  const [, host, port = "6443"] = /^(?:https:\/\/)?(\[[0-9a-f:]+\]|[^:/\s]+)(?::(\d+))?\/?$/i.exec(address) ?? [];
  if (host !== undefined) return `https://${host}:${port}`;
  throw new FairleadError("NODE_JOIN", { subject: address, reason: "the address is not host:port" });
}

function token(text: string): BootstrapToken {
  const parsed = parseToken(text);
  if (!parsed) throw new InvalidArgumentError("It is not of the form abcdef.0123456789abcdef.");
  return parsed;
}

function hashes(text: string, before: readonly string[] | undefined): readonly string[] {
  const all = repeated(text, before);
  if (all.some((hash) => !/^sha256:[0-9a-f]{64}$/.test(hash))) throw new InvalidArgumentError("It is sha256:<hex>.");
  return all;
}
