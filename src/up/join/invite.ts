/** Lets a node join: the cluster's part, which anybody may repeat, and a token. */
import { randomBytes } from "node:crypto";
import type { Client } from "../../api/client.ts";
import { resourceTypes } from "../../api/resource_types.ts";
import { applyAll } from "../apply.ts";
import { renderDns } from "../render.ts";
import type { BootstrapToken } from "./token.ts";
import { makeToken, renderTokenSecret, tokenText } from "./token.ts";
import { renderJoinObjects, type ClusterFacts } from "./render.ts";
import { publicKeyHash } from "./verify.ts";

/** What a node has to know to join. */
export interface Invitation {
  /** `https://host:port` */
  readonly server: string;
  readonly token: BootstrapToken;
  /** Of the authority's public key: "sha256:…". */
  readonly hashes: readonly string[];
}

export interface TokenOptions {
  /** Default: one of its own. */
  readonly token?: BootstrapToken;
  /** 0: it never ends. */
  readonly ttlMs: number;
  readonly description?: string;
}

export async function invite(client: Client, facts: ClusterFacts, options: TokenOptions): Promise<Invitation> {
  const { ttlMs, description } = options;
  const token = options.token ?? makeToken((count) => randomBytes(count));
  const expiration = ttlMs === 0 ? undefined : new Date(Date.now() + ttlMs);
  await applyAll(client, [...renderJoinObjects(facts), ...renderDns(facts)]);
  await client.create(resourceTypes.secrets, renderTokenSecret(token, expiration, description));
  return { server: facts.server, token, hashes: [publicKeyHash(facts.authority)] };
}

/** The command that joins, as kubeadm prints its own. */
export function joinCommand({ server, token, hashes }: Invitation): string {
  const address = server.replace(/^https:\/\//, "");
  const known = hashes.map((hash) => `--discovery-token-ca-cert-hash ${hash}`).join(" ");
  return `fairlead node join ${address} --token ${tokenText(token)} ${known}`;
}
