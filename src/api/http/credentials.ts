/** Where the API is and who asks, from a kubeconfig: certificates, tokens, token files, exec plug-ins. */
import type { RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import { FairleadError } from "../../errors/catalogue.ts";

/** What a connection is made with; another one means another connection. */
export interface TlsIdentity {
  readonly ca?: string | Buffer | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  readonly servername?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
}

export interface Credentials {
  readonly tls: TlsIdentity;
  readonly headers: Readonly<Record<string, string>>;
}

/** How long what was read holds: files and plug-ins change seldom, and are not asked for each request, in ms. */
const freshMs = 10_000;

export class KubeconfigCredentials {
  /** `https://host:port` */
  readonly server: string;
  readonly #config: KubeConfig;
  #current: Promise<Credentials> | undefined;
  #readAtMs = 0;

  /** @throws FairleadError KUBECONFIG */
  constructor(file: string) {
    this.#config = new KubeConfig();
    try {
      this.#config.loadFromFile(file);
    } catch (cause) {
      throw new FairleadError("KUBECONFIG", { subject: file, cause });
    }
    const server = this.#config.getCurrentCluster()?.server;
    if (!server?.startsWith("https://")) {
      throw new FairleadError("KUBECONFIG", { subject: file, reason: "its current cluster has no https server" });
    }
    this.server = server.replace(/\/$/, "");
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

  async #read(): Promise<Credentials> {
    const options: RequestOptions = {};
    await this.#config.applyToHTTPSOptions(options);
    const { ca, cert, key, servername, rejectUnauthorized } = options as TlsIdentity;
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = String(value);
    if (typeof options.auth === "string") {
      headers["authorization"] = `Basic ${Buffer.from(options.auth).toString("base64")}`;
    }
    return { tls: { ca, cert, key, servername, rejectUnauthorized }, headers };
  }
}

/** Whether two connect alike. */
export function sameIdentity(a: TlsIdentity, b: TlsIdentity): boolean {
  const text = ({ ca, cert, key, servername, rejectUnauthorized }: TlsIdentity): string =>
    [ca, cert, key, servername, rejectUnauthorized].map((part) => String(part)).join("\0");
  return a === b || text(a) === text(b);
}
