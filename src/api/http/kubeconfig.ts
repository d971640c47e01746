/**
 * A kubeconfig's current context: where the API is, and who asks (client-go, tools/clientcmd). Files that it names
 * are read each time, because others renew them. What only a plug-in can say is left to the published client, which
 * takes a second and 70 MB to load: who has a certificate or a token does without.
 */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { parse } from "yaml";
import { FairleadError } from "../../errors/catalogue.ts";
import type { Credentials, TlsIdentity } from "./identity.ts";

interface Cluster {
  readonly server?: string;
  readonly "certificate-authority"?: string;
  readonly "certificate-authority-data"?: string;
  readonly "insecure-skip-tls-verify"?: boolean;
  readonly "tls-server-name"?: string;
}

interface User {
  readonly "client-certificate"?: string;
  readonly "client-certificate-data"?: string;
  readonly "client-key"?: string;
  readonly "client-key-data"?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly as?: string;
  readonly exec?: object;
  readonly "auth-provider"?: object;
}

interface Kubeconfig {
  readonly "current-context"?: string;
  readonly contexts?: readonly { readonly name: string; readonly context?: { cluster?: string; user?: string } }[];
  readonly clusters?: readonly { readonly name: string; readonly cluster?: Cluster }[];
  readonly users?: readonly { readonly name: string; readonly user?: User }[];
}

export interface KubeconfigContext {
  readonly file: string;
  readonly cluster: Cluster;
  readonly user: User;
}

/** @throws FairleadError KUBECONFIG */
export function readKubeconfig(file: string): KubeconfigContext {
  let config: Kubeconfig;
  try {
    config = (parse(readFileSync(file, "utf8")) ?? {}) as Kubeconfig;
  } catch (cause) {
    throw new FairleadError("KUBECONFIG", { subject: file, cause });
  }
  const current = config["current-context"];
  const context = config.contexts?.find(({ name }) => name === current)?.context;
  if (!context) {
    throw new FairleadError("KUBECONFIG", { subject: file, reason: `it has no context "${current ?? ""}"` });
  }
  const cluster = config.clusters?.find(({ name }) => name === context.cluster)?.cluster;
  const user = config.users?.find(({ name }) => name === context.user)?.user;
  return { file, cluster: cluster ?? {}, user: user ?? {} };
}

/** Whether a program, or a provider's library, has to be asked who this is. */
export function needsPlugin({ user }: KubeconfigContext): boolean {
  return user.exec !== undefined || user["auth-provider"] !== undefined;
}

/** @throws what the system says of a file that cannot be read */
export async function credentialsOf({ file, cluster, user }: KubeconfigContext): Promise<Credentials> {
  const folder = path.dirname(file);
  const [ca, cert, key, token] = await Promise.all([
    bytesOf(folder, cluster["certificate-authority-data"], cluster["certificate-authority"]),
    bytesOf(folder, user["client-certificate-data"], user["client-certificate"]),
    bytesOf(folder, user["client-key-data"], user["client-key"]),
    user.tokenFile === undefined ? user.token : readFile(path.resolve(folder, user.tokenFile), "utf8"),
  ]);
  const tls: TlsIdentity = {
    ca,
    cert,
    key,
    servername: cluster["tls-server-name"],
    rejectUnauthorized: cluster["insecure-skip-tls-verify"] === true ? false : undefined,
  };
  return { tls, headers: headersOf(user, token?.trim()) };
}

function headersOf({ username, password = "", as }: User, token: string | undefined): Record<string, string> {
  const basic =
    username === undefined ? undefined : `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const authorization = token ? `Bearer ${token}` : basic;
  return {
    ...(authorization === undefined ? {} : { authorization }),
    ...(as === undefined ? {} : { "impersonate-user": as }),
  };
}

async function bytesOf(
  folder: string,
  data: string | undefined,
  file: string | undefined,
): Promise<Buffer | undefined> {
  if (data) return Buffer.from(data, "base64");
  return file ? readFile(path.resolve(folder, file)) : undefined;
}
