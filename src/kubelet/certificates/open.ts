/** The certificates that the kubelet asks the cluster for: as a client, and as a server. */
import type { HttpClient } from "../../api/http/http_client.ts";
import { countedClient } from "../../api/http/request_metrics.ts";
import type { Client } from "../../api/client.ts";
import { CertificateMaker } from "../../controlplane/apiserver/certificates/maker.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { certificateOfKubeconfig, prepareKubeconfig } from "./bootstrap.ts";
import { CertificateManager, type CertificateManagerOptions } from "./manager.ts";
import type { CertificateMetrics } from "./metrics.ts";
import { clientTemplate, servingTemplate } from "./plan.ts";
import { CertificateStore, heldCertificate } from "./store.ts";

export interface CertificateContext {
  readonly nodeName: string;
  /** --cert-dir */
  readonly folder: string;
  readonly clock: Clock;
  readonly metrics: CertificateMetrics;
  readonly onError: (attempted: string, error: unknown) => void;
}

export interface ClientOptions extends CertificateContext {
  readonly kubeconfig: string;
  readonly bootstrapKubeconfig: string | undefined;
  /** KubeletConfiguration's rotateCertificates. */
  readonly rotates: boolean;
}

export interface NodeClient {
  readonly client: HttpClient;
  /** Resolves when the client can say who it is. */
  ready(): Promise<void>;
  close(): void;
}

/** A key that only signs needs no encipherment (upstream's usages for ECDSA). */
const usages = { client: ["digital signature", "client auth"], serving: ["digital signature", "server auth"] } as const;
const userAgent = "kubelet";

/** @throws FairleadError KUBECONFIG */
export async function openNodeClient(options: ClientOptions): Promise<NodeClient> {
  const { kubeconfig, bootstrapKubeconfig, rotates, folder, clock, metrics, nodeName } = options;
  const store = new CertificateStore(folder, "kubelet-client");
  const files = { kubeconfig, certificateFile: store.currentFile };
  const isNew =
    bootstrapKubeconfig !== undefined && (await prepareKubeconfig({ ...files, bootstrapKubeconfig }, clock.now()));
  if (!isNew && !rotates) return unmanaged(kubeconfig, options);
  if (!isNew) await seed(store, kubeconfig, options);
  const { requests } = metrics;
  const client = countedClient({ kubeconfig, userAgent, clientCertificate: () => manager.current() }, requests);
  const first = isNew ? countedClient({ kubeconfig: bootstrapKubeconfig, userAgent }, requests) : undefined;
  const manager: CertificateManager = new CertificateManager({
    ...common(options),
    purpose: "client",
    store,
    signing: { signerName: "kubernetes.io/kube-apiserver-client-kubelet", usages: usages.client },
    template: () => clientTemplate(nodeName),
    client: (held) => (held ? client : first),
    renews: rotates,
    onError: (attempted, error) => {
      metrics.clientFailed();
      options.onError(attempted, error);
    },
  });
  metrics.client(manager);
  manager.onChange(() => client.reconnect());
  await manager.start();
  return {
    client,
    ready: () => manager.available(),
    close() {
      manager.stop();
      first?.close();
      client.close();
    },
  };
}

function unmanaged(kubeconfig: string, { metrics }: ClientOptions): NodeClient {
  const client = countedClient({ kubeconfig, userAgent }, metrics.requests);
  metrics.client({ notAfterMs: undefined });
  return { client, ready: () => Promise.resolve(), close: () => client.close() };
}

/** A certificate that stands in the kubeconfig itself is the first of those that are renewed. */
async function seed(store: CertificateStore, kubeconfig: string, { clock, onError }: ClientOptions): Promise<void> {
  try {
    if (await store.read()) return;
    const text = await certificateOfKubeconfig(kubeconfig);
    if (text === undefined) return;
    const { cert, key } = heldCertificate(text);
    await store.write(cert, key, clock.now());
  } catch (error) {
    onError("keep the kubeconfig's certificate", error);
  }
}

export interface ServingOptions extends CertificateContext {
  readonly client: Client;
  /** Of the node's status, as they are now. */
  readonly addresses: () => readonly { readonly type: string; readonly address: string }[];
}

/** serverTLSBootstrap: the server's certificate is the cluster's. Approving it is left to people, as upstream does. */
export async function openServingCertificate(options: ServingOptions): Promise<CertificateManager> {
  const { nodeName, folder, client, addresses, metrics } = options;
  const manager = new CertificateManager({
    ...common(options),
    purpose: "serving",
    store: new CertificateStore(folder, "kubelet-server"),
    signing: { signerName: "kubernetes.io/kubelet-serving", usages: usages.serving },
    template: () => servingTemplate(nodeName, addresses()),
    client: () => client,
    renews: true,
    onRenewed: (seconds) => metrics.serverRenewed(seconds),
    onError: (attempted, error) => {
      metrics.serverFailed();
      options.onError(attempted, error);
    },
  });
  metrics.server(manager);
  await manager.start();
  return manager;
}

function common({ clock }: CertificateContext): Pick<CertificateManagerOptions, "clock" | "makeRequest"> {
  const maker = new CertificateMaker();
  return { clock, makeRequest: (template) => maker.request(template) };
}
