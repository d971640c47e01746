/**
 * --bootstrap-kubeconfig: where --kubeconfig says nobody whom the API server could know, it is written anew, with the server
 * of the bootstrap one and the certificate that will be got (pkg/kubelet/certificate/bootstrap).
 */
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { stringify } from "yaml";
import { isThere, writeWhole } from "../../files/whole.ts";
import { credentialsOf, readKubeconfig } from "../../api/http/kubeconfig.ts";
import { heldCertificate } from "./store.ts";

export interface BootstrapFiles {
  readonly kubeconfig: string;
  readonly bootstrapKubeconfig: string;
  /** kubelet-client-current.pem */
  readonly certificateFile: string;
}

/** @returns whether the kubeconfig has to be bootstrapped @throws FairleadError KUBECONFIG of the bootstrap one */
export async function prepareKubeconfig(files: BootstrapFiles, nowMs: number): Promise<boolean> {
  if (await isGood(files.kubeconfig, nowMs)) return false;
  const { cluster } = readKubeconfig(files.bootstrapKubeconfig);
  const text = stringify(renderKubeconfig(absolute(cluster, files.bootstrapKubeconfig), files.certificateFile));
  await mkdir(path.dirname(files.kubeconfig), { recursive: true });
  await writeWhole(files.kubeconfig, text, 0o600);
  return true;
}

/** The certificate and key that a kubeconfig says, where it does. */
export async function certificateOfKubeconfig(kubeconfig: string): Promise<string | undefined> {
  const { tls } = await credentialsOf(readKubeconfig(kubeconfig));
  if (tls.cert === undefined || tls.key === undefined) return undefined;
  return `${tls.cert.toString()}\n${tls.key.toString()}`;
}

async function isGood(kubeconfig: string, nowMs: number): Promise<boolean> {
  if (!(await isThere(kubeconfig))) return false;
  try {
    const text = await certificateOfKubeconfig(kubeconfig);
    return text !== undefined && heldCertificate(text).notAfterMs > nowMs;
  } catch {
    return false;
  }
}

type Cluster = ReturnType<typeof readKubeconfig>["cluster"];

/** The new file may be in another folder. */
function absolute(cluster: Cluster, file: string): Cluster {
  const authority = cluster["certificate-authority"];
  if (authority === undefined || authority === "") return cluster;
  const whole = path.resolve(path.dirname(file), authority);
  // Read now: what cannot be read is told of at the start.
  readFileSync(whole);
  return { ...cluster, "certificate-authority": whole };
}

function renderKubeconfig(cluster: Cluster, certificateFile: string): object {
  const user = { "client-certificate": certificateFile, "client-key": certificateFile };
  return {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "default-cluster", cluster }],
    users: [{ name: "default-auth", user }],
    contexts: [
      { name: "default-context", context: { cluster: "default-cluster", namespace: "default", user: "default-auth" } },
    ],
    "current-context": "default-context",
  };
}
