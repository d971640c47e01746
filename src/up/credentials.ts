/** Who the node is, and who the user is, by certificates of the cluster's authority. */
import path from "node:path";
import { kubeconfig } from "../controlplane/apiserver/certificates/kubeconfig.ts";
import { Pki } from "../controlplane/apiserver/certificates/pki.ts";
import { writeWhole } from "../files/whole.ts";
import type { Instance } from "./instance.ts";
import type { KubeconfigEntry } from "./kubeconfig/merge.ts";
import type { UpSettings } from "./settings.ts";

/** The node's kubeconfig; the authority is made here where there is none yet, and the server takes it. */
export async function writeNodeKubeconfig(instance: Instance, { nodeName, securePort }: UpSettings): Promise<void> {
  const pki = await openPki(instance);
  const client = await pki.certificate("node", {
    commonName: `system:node:${nodeName}`,
    organizations: ["system:nodes"],
    usage: "client",
    names: { dns: [], ip: [] },
  });
  const server = `https://127.0.0.1:${securePort}`;
  const text = kubeconfig({ server, authority: pki.authorityCertificate, client, user: `system:node:${nodeName}` });
  await writeWhole(instance.node.kubeconfig, text, 0o600);
}

/** The administrator's credentials as an entry of the user's kubeconfig. */
export async function adminEntry(instance: Instance, { context, securePort }: UpSettings): Promise<KubeconfigEntry> {
  const pki = await openPki(instance);
  const { certificate, key } = await pki.certificate("up-admin", {
    commonName: "kubernetes-admin",
    organizations: ["system:masters"],
    usage: "client",
    names: { dns: [], ip: [] },
  });
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  return {
    name: context,
    server: `https://127.0.0.1:${securePort}`,
    authority: base64(pki.authorityCertificate),
    certificate: base64(certificate),
    key: base64(key),
  };
}

function openPki({ dataDir }: Instance): Promise<Pki> {
  return Pki.open({ folder: path.join(dataDir, "pki"), now: Date.now });
}
