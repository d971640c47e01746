/** Where the API is and who asks: by a kubeconfig (certificates, tokens, token files, plug-ins), or as a pod. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { RequestOptions } from "node:https";
import { hostPort } from "../../model/address.ts";
import { FairleadError } from "../../errors/catalogue.ts";
import type { Credentials, TlsIdentity } from "./identity.ts";
import { credentialsOf, needsPlugin, readKubeconfig, type KubeconfigContext } from "./kubeconfig.ts";

/** How long what was read holds: files and plug-ins change seldom, and are not asked for each request, in ms. */
const freshMs = 10_000;

export class CredentialSource {
  /** `https://host:port` */
  readonly server: string;
  readonly #read: () => Promise<Credentials>;
  #current: Promise<Credentials> | undefined;
  #readAtMs = 0;

  constructor(server: string, read: () => Promise<Credentials>) {
    this.server = server.replace(/\/$/, "");
    this.#read = read;
  }

  current(): Promise<Credentials> {
    const now = Date.now();
    if (!this.#current || now - this.#readAtMs > freshMs) {
      this.#readAtMs = now;
      this.#current = this.#read();
      // What failed is asked again, not kept.
      this.#current.catch(() => (this.#current = undefined));
    }
    return this.#current;
  }
}

/** @param server in the place of the kubeconfig's (kube-proxy's --master). @throws FairleadError KUBECONFIG */
export function fromKubeconfig(file: string, server?: string): CredentialSource {
  const context = readKubeconfig(file);
  const chosen = server ?? context.cluster.server;
  if (!chosen?.startsWith("https://")) {
    throw new FairleadError("KUBECONFIG", { subject: file, reason: "its current cluster has no https server" });
  }
  return new CredentialSource(chosen, () => (needsPlugin(context) ? askPlugin(context) : credentialsOf(context)));
}

/** Where a pod finds its service account (client-go, rest.InClusterConfig). */
const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/** @throws FairleadError KUBECONFIG where this is no pod */
export function fromServiceAccount(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  folder = serviceAccountFolder,
): CredentialSource {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  if (!host || !port) {
    const reason = "this is no pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set";
    throw new FairleadError("KUBECONFIG", { subject: "of a service account", reason });
  }
  return new CredentialSource(`https://${hostPort(host, port)}`, async () => {
    const [ca, token] = await Promise.all([
      readFile(path.join(folder, "ca.crt")),
      readFile(path.join(folder, "token"), "utf8"),
    ]);
    return { tls: { ca }, headers: { authorization: `Bearer ${token.trim()}` } };
  });
}

/** exec plug-ins and providers, as the published client asks them. */
async function askPlugin({ file }: KubeconfigContext): Promise<Credentials> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromFile(file);
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key, servername, rejectUnauthorized } = options as TlsIdentity;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = String(value);
  if (typeof options.auth === "string") {
    headers["authorization"] = `Basic ${Buffer.from(options.auth).toString("base64")}`;
  }
  return { tls: { ca, cert, key, servername, rejectUnauthorized }, headers };
}
