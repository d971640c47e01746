/** kubeconfig files (client-go's api/v1 Config) that hold a client certificate. */
import { privateMode, readFileIfThere, writeFileWhole } from "./files.ts";
import type { KeyPair } from "./x509.ts";

export interface KubeconfigOptions {
  /** `https://10.0.0.1:6443` */
  readonly server: string;
  /** Certificate of the authority that signed the server's, PEM. */
  readonly authority: string;
  readonly client: KeyPair;
  readonly user: string;
  readonly cluster?: string;
}

/** The text of a kubeconfig. Written line by line: the YAML library would stay in memory for this alone. */
export function kubeconfig({ server, authority, client, user, cluster = "fairlead" }: KubeconfigOptions): string {
  const context = scalar(`${user}@${cluster}`);
  return `apiVersion: v1
kind: Config
clusters:
  - name: ${scalar(cluster)}
    cluster:
      server: ${scalar(server)}
      certificate-authority-data: ${base64(authority)}
users:
  - name: ${scalar(user)}
    user:
      client-certificate-data: ${base64(client.certificate)}
      client-key-data: ${base64(client.key)}
contexts:
  - name: ${context}
    context:
      cluster: ${scalar(cluster)}
      user: ${scalar(user)}
current-context: ${context}
preferences: {}
`;
}

/** A string as YAML: plain where it can be nothing else, else quoted as JSON, of which YAML takes every string. */
function scalar(text: string): string {
  const isPlain = /^[a-z][a-z0-9.:/@-]*[a-z0-9]$/.test(text) && !/^(true|false|null|yes|no|on|off)$/.test(text);
  return isPlain ? text : JSON.stringify(text);
}

/** Writes a kubeconfig for its owner alone; one that is right already is left alone. @throws FairleadError CERTIFICATE_FILE */
export async function writeKubeconfig(file: string, options: KubeconfigOptions): Promise<void> {
  const text = kubeconfig(options);
  if (readFileIfThere(file) !== text) await writeFileWhole(file, text, privateMode);
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
