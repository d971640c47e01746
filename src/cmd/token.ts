/** `fairlead token`: bootstrap tokens, with kubeadm's verbs and flags. */
import { existsSync, readFileSync } from "node:fs";
import { InvalidArgumentError, Option, type Command } from "commander";
import type { HttpClient } from "../api/http/http_client.ts";
import { defaultControllerOptions } from "../controlplane/controllers/options.ts";
import { FairleadError } from "../errors/catalogue.ts";
import { hostPort } from "../model/address.ts";
import { instanceOf, type Instance } from "../up/instance.ts";
import { parseToken, type BootstrapToken } from "../up/join/token.ts";
import type { ClusterFacts } from "../up/join/render.ts";
import { addressRanges, duration } from "./flag_values.ts";
import { instanceFlags, type InstanceFlags } from "./instance_flags.ts";

interface TokenFlags extends InstanceFlags {
  readonly kubeconfig?: string;
}

interface CreateFlags extends TokenFlags {
  readonly ttl: number;
  readonly description?: string;
  readonly server?: string;
  readonly clusterCidr?: string;
  readonly serviceCidr?: string;
}

export function configure(command: Command): void {
  verb(command, "create", "let machines join, and print the command that they join by")
    .argument("[token]", "abcdef.0123456789abcdef; default: a random one", token)
    .addOption(
      new Option("--ttl <duration>", "how long it holds; 0: for ever").argParser(ttl).default(86_400_000, "24h0m0s"),
    )
    .option("--description <text>", "what it is for")
    .option(
      "--server <host:port>",
      "how machines reach the API; default: as the kubeconfig does, by an address of this machine",
    )
    .option("--cluster-cidr <range>", "addresses of pods, where 'fairlead up' has not said them", oneRange)
    .option("--service-cidr <range>", "addresses of Services, where 'fairlead up' has not said them", oneRange)
    .action((given: BootstrapToken | undefined, flags: CreateFlags) =>
      withClient(flags, (client) => create(client, given, flags)),
    );
  verb(command, "list", "list the tokens").action((flags: TokenFlags) =>
    withClient(flags, async (client) => {
      const { listTokens } = await import("../up/join/tokens.ts");
      const tokens = await listTokens(client, Date.now());
      if (flags.json) tokens.forEach((one) => process.stdout.write(`${JSON.stringify(one)}\n`));
      else
        for (const { token, expires, description } of tokens)
          process.stdout.write(`${token}  ${expires.padEnd(20)}  ${description}\n`);
    }),
  );
  verb(command, "delete", "let nobody join by this token any more")
    .argument("<token-id>", "its first six letters, or the whole of it")
    .action((id: string, flags: TokenFlags) =>
      withClient(flags, async (client) => {
        const { deleteToken } = await import("../up/join/tokens.ts");
        await deleteToken(client, id.slice(0, 6));
        process.stdout.write(
          flags.json ? `${JSON.stringify({ deleted: id.slice(0, 6) })}\n` : `token ${id.slice(0, 6)} deleted\n`,
        );
      }),
    );
}

function verb(command: Command, name: string, summary: string): Command {
  return instanceFlags(command.command(name).description(summary)).option(
    "--kubeconfig <file>",
    "the administrator's; default: that of the control plane in --data-dir",
  );
}

async function withClient(flags: TokenFlags, work: (client: HttpClient) => Promise<void>): Promise<never> {
  const { HttpClient } = await import("../api/http/http_client.ts");
  const kubeconfig = flags.kubeconfig ?? instanceOf(flags.dataDir).adminKubeconfig;
  const client = new HttpClient({ kubeconfig, userAgent: "fairlead-token", timeoutMs: 20_000 });
  try {
    await work(client);
  } finally {
    client.close();
  }
  process.exit(0);
}

async function create(client: HttpClient, given: BootstrapToken | undefined, flags: CreateFlags): Promise<void> {
  const { invite, joinCommand } = await import("../up/join/invite.ts");
  const { tokenText } = await import("../up/join/token.ts");
  const { ttl: ttlMs, description } = flags;
  const facts = await factsOf(client, flags);
  const invitation = await invite(client, facts, {
    ttlMs,
    ...(given === undefined ? {} : { token: given }),
    ...(description === undefined ? {} : { description }),
  });
  const said = { token: tokenText(invitation.token), server: facts.server, hashes: invitation.hashes };
  const text = joinCommand(invitation);
  process.stdout.write(flags.json ? `${JSON.stringify({ ...said, command: text })}\n` : `${text}\n`);
}

/** What joining nodes must know, from the flags, from what `up` has noted, and from upstream's defaults. */
async function factsOf(client: HttpClient, flags: CreateFlags): Promise<ClusterFacts> {
  const { defaultClusterCidr, defaultServiceCidr, readSettings } = await import("../up/settings.ts");
  const { readNodeFacts } = await import("../up/join/tokens.ts");
  const instance = instanceOf(flags.dataDir);
  const settings = await readSettings(instance);
  const { localPathFolder, ...noted } = await readNodeFacts(client);
  const known = { ...noted, ...(settings && { clusterCidr: settings.clusterCidr, serviceCidr: settings.serviceCidr }) };
  return {
    server: await serverOf(client, flags.server, settings),
    authority: authorityOf(instance, flags),
    clusterCidr: flags.clusterCidr ?? known.clusterCidr ?? defaultClusterCidr,
    localPathFolder: settings ? instance.localPathDir : (localPathFolder ?? defaultControllerOptions.localPathFolder),
    serviceCidr: flags.serviceCidr ?? known.serviceCidr ?? defaultServiceCidr,
  };
}

/** Of an address of loopback others make nothing. */
async function serverOf(
  client: HttpClient,
  flag: string | undefined,
  settings: { readonly nodeIp: string; readonly securePort: number } | undefined,
): Promise<string> {
  if (flag !== undefined) return `https://${flag.replace(/^https:\/\//, "")}`;
  if (settings) return `https://${hostPort(settings.nodeIp, settings.securePort)}`;
  const url = new URL(client.server);
  if (!/^(127\.|localhost$|\[::1\])/.test(url.hostname)) return client.server;
  const { nodeAddress } = await import("../up/node_address.ts");
  return `https://${hostPort(await nodeAddress(undefined), url.port || "443")}`;
}

function authorityOf(instance: Instance, { kubeconfig }: CreateFlags): string {
  const file = `${instance.dataDir}/pki/ca.crt`;
  if (kubeconfig === undefined && existsSync(file)) return readFileSync(file, "utf8");
  const subject = kubeconfig ?? instance.adminKubeconfig;
  const data = /certificate-authority-data: (\S+)/.exec(readFileSync(subject, "utf8"))?.[1];
  if (data !== undefined) return Buffer.from(data, "base64").toString();
  throw new FairleadError("KUBECONFIG", { subject, reason: "it has no certificate-authority-data" });
}

function token(text: string): BootstrapToken {
  const parsed = parseToken(text);
  if (!parsed) throw new InvalidArgumentError("It is not of the form abcdef.0123456789abcdef.");
  return parsed;
}

function ttl(text: string): number {
  return text === "0" ? 0 : duration(text);
}

function oneRange(text: string): string {
  const [range, more] = addressRanges(text);
  if (range === undefined || more !== undefined) throw new InvalidArgumentError("It must be one range.");
  return range;
}
