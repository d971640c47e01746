/** The whole API server from its parts: certificates, authentication, authorization, admission, what a cluster holds. */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { isIPv6 } from "node:net";
import path from "node:path";
import { FairleadError } from "../../errors/catalogue.ts";
import type { Store } from "../store/store.ts";
import type { AdmissionPlugin } from "./admission/admission.ts";
import { ApiServer, startCaches, type ApiServerOptions } from "./api_server.ts";
import { bootstrapCluster } from "./bootstrap/bootstrap.ts";
import { Loopback } from "./bootstrap/loopback.ts";
import { ensureKubernetesService } from "./bootstrap/kubernetes_service.ts";
import { writeKubeconfig } from "./certificates/kubeconfig.ts";
import { Pki } from "./certificates/pki.ts";
import { Renewal } from "./certificates/renewal.ts";
import { clientProfile, defaultAdvertiseAddress, firstAddress, servingProfile } from "./certificates/serving.ts";
import { SigningKeys } from "./certificates/signing_keys.ts";
import type { KeyPair } from "./certificates/x509.ts";
import { cacheLookup } from "./auth/lookup.ts";
import { secure, type Security } from "./secure.ts";

export interface ControlPlaneApiOptions {
  /** Everything but the store is kept here: pki/ and admin.kubeconfig. */
  readonly dataDir: string;
  readonly store: Store;
  /** --bind-address */
  readonly host: string;
  /** --secure-port; 0 takes a free one. */
  readonly port: number;
  readonly advertiseAddress?: string;
  readonly tlsSans?: readonly string[];
  /** --service-cluster-ip-range: one, or two of two families. */
  readonly serviceCidrs: readonly string[];
  /** --client-ca-file: authorities whose client certificates are taken besides our own. */
  readonly clientCaFile?: string;
  /** --token-auth-file */
  readonly tokenAuthFile?: string;
  /** --service-account-issuer */
  readonly serviceAccountIssuer?: string;
  /** --api-audiences; default: the issuer. */
  readonly apiAudiences?: readonly string[];
  readonly subresources?: ApiServerOptions["subresources"];
  readonly answers?: NonNullable<ApiServerOptions["answers"]>;
  /** Admission plug-ins besides the built-in ones, behind them. */
  readonly admission?: readonly AdmissionPlugin[];
  readonly upgrade?: ApiServerOptions["http"]["upgrade"];
  readonly maxInFlight?: number;
  /** Errors that are nobody's fault but ours; `where` is a request's path, or what was being done. */
  readonly onInternalError: (error: unknown, where: string) => void;
  /** Wall clock in ms. */
  readonly now?: () => number;
}

export interface ControlPlaneApi {
  readonly port: number;
  /** Path of the administrator's kubeconfig. */
  readonly adminKubeconfig: string;
  readonly server: ApiServer;
  /** For who signs certificates (the signer of certificates.k8s.io) or needs a client certificate of its own. */
  readonly pki: Pki;
  readonly security: Security;
  /** Renews what is due now; a timer does so every hour. */
  renew(): Promise<void>;
  /** Signs service-account tokens with a new key from now on. */
  rotateSigningKey(): Promise<void>;
  close(graceMs?: number): Promise<void>;
}

export const defaultIssuer = "https://kubernetes.default.svc.cluster.local";
const adminProfile = clientProfile("kubernetes-admin", ["system:masters"]);

/**
 * Starts the API server with everything that secures it; it answers when this returns.
 *
 * @throws FairleadError CERTIFICATE_FILE, INVALID_ADDRESS_RANGE, the store's errors
 */
export async function startControlPlaneApi(options: ControlPlaneApiOptions): Promise<ControlPlaneApi> {
  const now = options.now ?? Date.now;
  const folder = path.join(options.dataDir, "pki");
  const pki = await Pki.open({ folder, now });
  const signingKeys = await SigningKeys.open(folder);
  const advertiseAddress = options.advertiseAddress ?? defaultAdvertiseAddress(options.host);
  const serving = servingProfile({
    hostname: hostname(),
    advertiseAddress,
    serviceCidrs: options.serviceCidrs,
    tlsSans: options.tlsSans ?? [],
  });
  const clientAuthorities = options.clientCaFile === undefined ? [] : [readAuthorities(options.clientCaFile)];
  const tlsOf = (pair: KeyPair) => ({
    cert: pair.certificate,
    key: pair.key,
    ca: [pki.authorityCertificate, ...clientAuthorities],
  });

  let port = options.port;
  const caches = await startCaches(options.store);
  const lookup = cacheLookup(caches);
  const security = secure({
    lookup,
    signingKeys,
    now,
    issuer: options.serviceAccountIssuer ?? defaultIssuer,
    audiences: options.apiAudiences ?? [options.serviceAccountIssuer ?? defaultIssuer],
    tokenAuthFile: options.tokenAuthFile,
    externalUrl: () => urlOf(advertiseAddress ?? "127.0.0.1", port),
    routes: () => server.routes,
    admission: options.admission ?? [],
  });
  const server = await ApiServer.start({
    store: options.store,
    caches,
    now,
    authenticators: security.authenticators,
    authorizer: security.authorizer,
    impersonate: security.impersonate,
    admission: security.admission,
    subresources: new Map([...(options.subresources ?? []), ...security.subresources]),
    answers: new Map([...(options.answers ?? []), ...security.answers]),
    nonResource: security.nonResource,
    http: {
      host: options.host,
      port: options.port,
      tls: tlsOf(await pki.certificate("apiserver", serving)),
      onInternalError: options.onInternalError,
      ...(options.maxInFlight === undefined ? {} : { maxInFlight: options.maxInFlight }),
      ...(options.upgrade === undefined ? {} : { upgrade: options.upgrade }),
    },
  });
  const loopback = new Loopback(server.routes);
  await bootstrapCluster(loopback);
  port = await server.listen();
  const clusterIps = options.serviceCidrs.map(firstAddress);
  await ensureKubernetesService(loopback, { clusterIps, advertiseAddress, port });

  const adminKubeconfig = path.join(options.dataDir, "admin.kubeconfig");
  const writeAdmin = async (): Promise<void> =>
    writeKubeconfig(adminKubeconfig, {
      server: urlOf(reachable(options.host, advertiseAddress), port),
      authority: pki.authorityCertificate,
      client: await pki.certificate("admin", adminProfile),
      user: "kubernetes-admin",
    });
  await writeAdmin();
  const renew = async (): Promise<void> => {
    await pki.renewAuthority();
    server.setTls(tlsOf(await pki.certificate("apiserver", serving)));
    await writeAdmin();
  };
  const renewal = new Renewal({ renew, onError: (error) => options.onInternalError(error, "certificate renewal") });
  return {
    port,
    adminKubeconfig,
    server,
    pki,
    security,
    renew,
    rotateSigningKey: () => signingKeys.rotate(),
    async close(graceMs) {
      await renewal.stop();
      await server.close(graceMs);
    },
  };
}

/** The administrator is on this machine: loopback where the server listens there. */
function reachable(host: string, advertiseAddress: string | undefined): string {
  if (host === "0.0.0.0" || host === "::" || host === "") return "127.0.0.1";
  return host === "localhost" ? "127.0.0.1" : ((host || advertiseAddress) ?? "127.0.0.1");
}

function urlOf(host: string, port: number): string {
  return `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

function readAuthorities(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new FairleadError("CERTIFICATE_FILE", { subject: file, cause });
  }
}
