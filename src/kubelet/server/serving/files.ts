/** A certificate and its key in two files, read again when they are renewed. */
import { readFileSync } from "node:fs";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { FairleadError } from "../../../errors/catalogue.ts";
import type { ServingCertificate, ServingCertificateSource } from "./source.ts";
import { WatchedFiles } from "./watched_files.ts";

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** @param onError told of files that cannot be used: what was read last goes on @throws FairleadError CERTIFICATE_FILE */
export function certificateOfFiles(
  files: CertificateFiles,
  onError: (error: unknown) => void,
): ServingCertificateSource {
  let current = read(files);
  let changed: () => void = () => undefined;
  const watched = new WatchedFiles([files.certFile, files.keyFile], () => {
    try {
      const next = read(files);
      if (next.cert === current.cert && next.key === current.key) return;
      current = next;
      changed();
    } catch (error) {
      onError(error);
    }
  });
  return {
    current: () => current,
    onChange: (call) => (changed = call),
    stop: () => watched.stop(),
  };
}

function read({ certFile, keyFile }: CertificateFiles): ServingCertificate {
  try {
    const [cert, key] = [readFileSync(certFile, "utf8"), readFileSync(keyFile, "utf8")];
    // Half of a pair that is being written is no pair.
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) throw new Error("the key is another's");
    return { cert, key };
  } catch (cause) {
    throw new FairleadError("CERTIFICATE_FILE", { subject: `${certFile}, ${keyFile}`, cause });
  }
}
