/** The cluster's certificate authority as controllers know it: what it is, and what it signs. */

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

export interface ClusterAuthority {
  /** Its certificate, PEM; another one after it was renewed. */
  readonly authorityCertificate: string;
  /** @param request PEM, as text @throws Error where it is none */
  read(request: string): Promise<RequestedCertificate>;
  /** Signs the request's key, subject and names. @returns PEM */
  sign(request: string, terms: CertificateTerms): Promise<string>;
}
