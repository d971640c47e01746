/** Certificates as they are asked for and signed. */

/** What a certificate signing request asks for (RFC 2986). */
export interface RequestedCertificate {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly uris: readonly string[];
}

export interface CertificateTerms {
  /** The API's names of usages, "client auth". */
  readonly usages: readonly string[];
  readonly fromMs: number;
  /** The authority's own end comes first where that is earlier. */
  readonly toMs: number;
}
