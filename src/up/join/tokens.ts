/** The tokens of a cluster, and what it has noted for nodes that join. */
import type { Client } from "../../api/client.ts";
import { resourceTypes } from "../../api/resource_types.ts";
import { isNotFound } from "../../api/status_error.ts";
import type { Secret } from "../../model/kubernetes.ts";
import { nodeConfigMap } from "./render.ts";
import { tokenSecretName } from "./token.ts";

const type = "bootstrap.kubernetes.io/token";
const namespace = "kube-system";

export interface ListedToken {
  readonly token: string;
  /** "2026-01-02T15:04:05Z", "<forever>" or "<invalid>". */
  readonly expires: string;
  readonly ttlSeconds: number | undefined;
  readonly description: string;
}

export async function listTokens(client: Client, nowMs: number): Promise<readonly ListedToken[]> {
  const { items } = await client.list(resourceTypes.secrets, { namespace, fieldSelector: `type=${type}` });
  return items.map((secret) => listed(secret, nowMs));
}

function listed({ data = {} }: Secret, nowMs: number): ListedToken {
  const field = (name: string): string => Buffer.from(data[name] ?? "", "base64").toString();
  const expiration = field("expiration");
  const endMs = Date.parse(expiration);
  const isKnown = !Number.isNaN(endMs);
  return {
    token: `${field("token-id")}.${field("token-secret")}`,
    expires: expiration === "" ? "<forever>" : isKnown ? expiration : "<invalid>",
    ttlSeconds: isKnown ? Math.max(0, Math.round((endMs - nowMs) / 1000)) : undefined,
    description: field("description"),
  };
}

/** One that is gone already is none. */
export async function deleteToken(client: Client, id: string): Promise<void> {
  await client.delete(resourceTypes.secrets, { namespace, name: tokenSecretName(id) }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
}

export interface NodeFacts {
  readonly clusterCidr?: string;
  readonly serviceCidr?: string;
  readonly localPathFolder?: string;
}

/** Empty where no token was made yet. */
export async function readNodeFacts(client: Client): Promise<NodeFacts> {
  try {
    return (await client.get(resourceTypes.configMaps, nodeConfigMap)).data ?? {};
  } catch (error) {
    if (isNotFound(error)) return {};
    throw error;
  }
}
