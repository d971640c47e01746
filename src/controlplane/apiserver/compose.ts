/** The whole API server from its parts: certificates, authentication, authorization, admission, what a cluster holds. */
import { hostPort } from "../../model/address.ts";
import type { Store } from "../store/store.ts";
import type { AdmissionPlugin } from "./admission/admission.ts";
import { ApiServer, startCaches, type ApiServerOptions } from "./api_server.ts";
import { bootstrapCluster } from "./bootstrap/bootstrap.ts";
import { Loopback } from "./loopback/loopback.ts";
import { ensureKubernetesService } from "./bootstrap/kubernetes_service.ts";
import type { Pki } from "./certificates/pki.ts";
import { Renewal } from "./certificates/renewal.ts";
import { firstAddress } from "./certificates/serving.ts";
import { cacheLookup } from "./auth/lookup.ts";
import { ServiceAllocation } from "./allocation/service_allocation.ts";
import { Identity, type IdentityOptions } from "./identity.ts";
import { secure, type AccessOptions, type Security } from "./secure.ts";
import { builtInSubresources, type Subresources } from "./subresources/subresources.ts";

export interface ControlPlaneApiOptions extends IdentityOptions, AccessOptions {
  readonly store: Store;
  /** --secure-port; 0 takes a free one. */
  readonly port: number;
  /** --service-cluster-ip-range: one, or two of two families. */
  readonly serviceCidrs: readonly string[];
  /** --service-node-port-range, "30000-32767" */
  readonly serviceNodePortRange?: string;
  /** --kubelet-preferred-address-types */
  readonly kubeletAddressTypes?: readonly string[];
  /** --service-account-issuer: the first one's name is on new tokens, those of the others are taken. */
  readonly serviceAccountIssuers?: readonly [string, ...string[]];
  /** --api-audiences; default: the issuers. */
  readonly apiAudiences?: readonly string[];
  readonly subresources?: ApiServerOptions["subresources"];
  readonly answers?: NonNullable<ApiServerOptions["answers"]>;
  /** Admission plug-ins besides the built-in ones, behind them. */
  readonly admission?: readonly AdmissionPlugin[];
  readonly upgrade?: ApiServerOptions["http"]["upgrade"];
  readonly maxInFlight?: NonNullable<ApiServerOptions["http"]["maxInFlight"]>;
  /** Called for each request that was answered. */
  readonly onRequest?: NonNullable<ApiServerOptions["http"]["onRequest"]>;
  readonly metrics?: NonNullable<ApiServerOptions["metrics"]>;
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
/** How often the files of a given serving certificate are looked at, in ms; upstream's interval. */
const servingFilesEveryMs = 60_000;

/**
 * Starts the API server with everything that secures it; it answers when this returns.
 *
 * @throws FairleadError CERTIFICATE_FILE, INVALID_ADDRESS_RANGE, the store's errors
 */
export async function startControlPlaneApi(options: ControlPlaneApiOptions): Promise<ControlPlaneApi> {
  const now = options.now ?? Date.now;
  const identity = await Identity.open(options, now);
  const caches = await startCaches(options.store);
  const allocation = await ServiceAllocation.start({
    store: options.store,
    caches,
    serviceCidrs: options.serviceCidrs,
    ...(options.serviceNodePortRange === undefined ? {} : { nodePortRange: options.serviceNodePortRange }),
    now,
    onError: options.onInternalError,
  });
  const issuers = options.serviceAccountIssuers ?? ([defaultIssuer] as const);
  const security = secure({
    ...options,
    lookup: cacheLookup(caches),
    signingKeys: identity.signingKeys,
    now,
    issuers,
    audiences: options.apiAudiences ?? issuers,
    externalUrl: () => urlOf(identity.advertiseAddress ?? "127.0.0.1", port),
    routes: () => server.routes,
    admission: options.admission ?? [],
    last: [allocation],
  });
  const builtIn = builtInSubresources(options.store, {
    kubeletCredentials: () => identity.kubeletCredentials(),
    ...(options.kubeletAddressTypes === undefined ? {} : { addressTypes: options.kubeletAddressTypes }),
  });
  let port = options.port;
  const server = await ApiServer.start(serverOptions(options, security, builtIn, caches, await identity.tls()));
  const finished = postStartHooks.map((name) => server.health.postStartHook(name));
  const loopback = new Loopback(server.routes);
  try {
    await bootstrapCluster(loopback);
    port = await server.listen();
  } catch (error) {
    allocation.close();
    await server.close(0);
    throw error;
  }
  const { advertiseAddress } = identity;
  await ensureKubernetesService(loopback, {
    clusterIps: options.serviceCidrs.map(firstAddress),
    advertiseAddress,
    port,
  });
  for (const finish of finished) finish();
  const serverUrl = urlOf(reachable(options.host, advertiseAddress), port);
  await identity.writeAdminKubeconfig(serverUrl);
  const renew = async (): Promise<void> => {
    await identity.pki.renewAuthority();
    server.setTls(await identity.tls());
    await identity.writeAdminKubeconfig(serverUrl);
  };
  const renewal = new Renewal({
    renew,
    onError: (error) => options.onInternalError(error, "certificate renewal"),
    ...(options.servingFiles ? { everyMs: servingFilesEveryMs } : {}),
  });
  return {
    port,
    adminKubeconfig: identity.adminKubeconfig,
    server,
    pki: identity.pki,
    security,
    renew,
    rotateSigningKey: () => identity.signingKeys.rotate(),
    async close(graceMs) {
      await renewal.stop();
      allocation.close();
      await server.close(graceMs);
    },
  };
}

/** Upstream's names of what is done at each start. */
const postStartHooks = [
  "rbac/bootstrap-roles",
  "scheduling/bootstrap-system-priority-classes",
  "start-system-namespaces-controller",
  "bootstrap-controller",
];

function serverOptions(
  options: ControlPlaneApiOptions,
  security: Security,
  builtIn: Subresources,
  caches: NonNullable<ApiServerOptions["caches"]>,
  tls: NonNullable<ApiServerOptions["http"]["tls"]>,
): ApiServerOptions {
  return {
    store: options.store,
    caches,
    now: options.now ?? Date.now,
    authenticators: security.authenticators,
    anonymous: options.anonymousAuth ?? true,
    authorizer: security.authorizer,
    impersonate: security.impersonate,
    admission: security.admission,
    subresources: new Map([...builtIn.subresources, ...(options.subresources ?? []), ...security.subresources]),
    answers: new Map([...builtIn.answers, ...(options.answers ?? []), ...security.answers]),
    nonResource: security.nonResource,
    http: {
      host: options.host,
      port: options.port,
      tls,
      onInternalError: options.onInternalError,
      ...(options.maxInFlight === undefined ? {} : { maxInFlight: options.maxInFlight }),
      upgrade: options.upgrade ?? builtIn.upgrade,
      ...(options.onRequest === undefined ? {} : { onRequest: options.onRequest }),
    },
    ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
  };
}

/** The administrator is on this machine: loopback where the server listens there. */
function reachable(host: string, advertiseAddress: string | undefined): string {
  if (host === "0.0.0.0" || host === "::" || host === "") return "127.0.0.1";
  return host === "localhost" ? "127.0.0.1" : ((host || advertiseAddress) ?? "127.0.0.1");
}

function urlOf(host: string, port: number): string {
  return `https://${hostPort(host, port)}`;
}
