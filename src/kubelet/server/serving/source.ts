/** Where the server's certificate comes from: files, one that the kubelet made for itself, or one that it was given. */

export interface ServingCertificate {
  /** PEM, with what leads to the authority. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
}

export interface ServingCertificateSource {
  /** Undefined: there is none yet; handshakes fail until there is. */
  current(): ServingCertificate | undefined;
  /** Tells of each other one from now on; connections that stand go on. */
  onChange(changed: () => void): void;
  stop(): void;
}
