/** The cluster's certificate authority as controllers know it: what it is, and what it signs. */
import type { CertificateTerms, RequestedCertificate } from "../../model/certificate.ts";

export interface ClusterAuthority {
  /** Its certificate, PEM; another one after it was renewed. */
  readonly authorityCertificate: string;
  /** @param request PEM, as text @throws Error where it is none */
  read(request: string): Promise<RequestedCertificate>;
  /** Signs the request's key, subject and names. @returns PEM */
  sign(request: string, terms: CertificateTerms): Promise<string>;
}
