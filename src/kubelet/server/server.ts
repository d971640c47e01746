/** The kubelet's server: HTTPS on :10250, and plain HTTP for reading alone where readOnlyPort says so. */
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { SecureContextOptions } from "node:tls";
import { hostPort } from "../../model/address.ts";
import type { KubeletConfiguration } from "../../config/kubelet.ts";
import { FairleadError } from "../../errors/catalogue.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { Handler, type HandlerOptions } from "./handler.ts";
import type { ServingCertificateSource } from "./serving/source.ts";
import { tlsOptions } from "./serving/tls_options.ts";
import { WatchedFiles } from "./serving/watched_files.ts";

type Settings = Pick<
  KubeletConfiguration,
  "address" | "port" | "readOnlyPort" | "authentication" | "tlsMinVersion" | "tlsCipherSuites"
>;

export interface ServerOptions {
  readonly settings: Settings;
  readonly certificate: ServingCertificateSource;
  readonly secure: HandlerOptions;
  readonly readOnly: HandlerOptions;
  readonly clock: Clock;
  readonly onError: (attempted: string, error: unknown) => void;
}

/** What a client may make the server hold; those that stream count until they are over. */
const maxConnections = 4096;
const bounds = {
  maxHeaderSize: 256 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 90_000,
  connectionsCheckingInterval: 5000,
};
const retryMs = 5000;

export class KubeletServer {
  readonly #options: ServerOptions;
  readonly #servers: (http.Server | https.Server)[] = [];
  readonly #upgraded = new Set<Duplex>();
  readonly #cancels: (() => void)[] = [];
  #isClosed = false;
  #caFile: WatchedFiles | undefined;

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  /** Resolves when each port was tried once; what cannot be listened on is tried again. @throws FairleadError CERTIFICATE_FILE */
  async start(): Promise<void> {
    const { settings, secure, readOnly, certificate } = this.#options;
    const server = https.createServer({ ...bounds, ...this.#context(), ...this.#clientCertificates() });
    certificate.onChange(() => this.#renew(server));
    const { clientCAFile } = settings.authentication.x509;
    if (clientCAFile !== "") this.#caFile = new WatchedFiles([clientCAFile], () => this.#renew(server));
    await this.#serve(server, settings.port, secure);
    if (settings.readOnlyPort !== 0) await this.#serve(http.createServer(bounds), settings.readOnlyPort, readOnly);
  }

  /** Of the HTTPS server; undefined while it does not listen. */
  get port(): number | undefined {
    return (this.#servers[0]?.address() as AddressInfo | null | undefined)?.port;
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#caFile?.stop();
    this.#options.certificate.stop();
    for (const cancel of this.#cancels) cancel();
    for (const socket of this.#upgraded) socket.destroy();
    await Promise.all(this.#servers.map((server) => closed(server)));
  }

  async #serve(server: http.Server | https.Server, port: number, options: HandlerOptions): Promise<void> {
    const handler = new Handler(options);
    server.maxConnections = maxConnections;
    server.on("drop", () => server.closeIdleConnections());
    server.on("request", (request, response) => void handler.answer(request, response));
    server.on("upgrade", (request, socket, head) => {
      // node forgets a connection that is upgraded: here it has its owner.
      this.#upgraded.add(socket);
      socket.once("close", () => this.#upgraded.delete(socket));
      void handler.upgrade(request, socket, head);
    });
    this.#servers.push(server);
    await this.#listen(server, port);
  }

  async #listen(server: http.Server | https.Server, port: number): Promise<void> {
    const { settings, clock, onError } = this.#options;
    const { address: host } = settings;
    await new Promise<void>((resolve) => {
      const failed = (cause: Error): void => {
        const subject = hostPort(host, port);
        onError("serve the kubelet's API", new FairleadError("LISTEN", { subject, cause }));
        if (!this.#isClosed) this.#cancels.push(clock.after(retryMs, () => void this.#listen(server, port)));
        resolve();
      };
      server.once("error", failed);
      server.listen({ host, port }, () => {
        server.off("error", failed);
        server.on("error", (error) => onError("serve the kubelet's API", error));
        resolve();
      });
    });
  }

  #context(): SecureContextOptions {
    const { settings, certificate } = this.#options;
    const { clientCAFile } = settings.authentication.x509;
    return {
      ...tlsOptions(settings),
      ...certificate.current(),
      ...(clientCAFile === "" ? {} : { ca: readAuthority(clientCAFile) }),
    };
  }

  #clientCertificates(): https.ServerOptions {
    // A certificate of another authority is no credential, and no reason to hang up: a token may come.
    const requestCert = this.#options.settings.authentication.x509.clientCAFile !== "";
    return { requestCert, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"], handshakeTimeout: 10_000 };
  }

  /** For connections from now on. */
  #renew(server: https.Server): void {
    try {
      server.setSecureContext(this.#context());
    } catch (error) {
      this.#options.onError("use the renewed certificates", error);
    }
  }
}

function readAuthority(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new FairleadError("CERTIFICATE_FILE", { subject: file, cause });
  }
}

async function closed(server: http.Server | https.Server): Promise<void> {
  if (!server.listening) return;
  const done = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await done;
}
