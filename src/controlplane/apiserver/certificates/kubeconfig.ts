/** kubeconfig files (client-go's api/v1 Config) that hold a client certificate. */
import { stringify } from "yaml";
import { privateMode, readFileIfThere, writeFileAtomic } from "./files.ts";
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

/** The text of a kubeconfig. */
export function kubeconfig({ server, authority, client, user, cluster = "fairlead" }: KubeconfigOptions): string {
  const context = `${user}@${cluster}`;
  return stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: cluster, cluster: { server, "certificate-authority-data": base64(authority) } }],
      users: [
        {
          name: user,
          user: {
            "client-certificate-data": base64(client.certificate),
            "client-key-data": base64(client.key),
          },
        },
      ],
      contexts: [{ name: context, context: { cluster, user } }],
      "current-context": context,
      preferences: {},
    },
    { lineWidth: 0 },
  );
}

/** Writes a kubeconfig for its owner alone; one that is right already is left alone. @throws FairleadError CERTIFICATE_FILE */
export function writeKubeconfig(file: string, options: KubeconfigOptions): void {
  const text = kubeconfig(options);
  if (readFileIfThere(file) !== text) writeFileAtomic(file, text, privateMode);
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
