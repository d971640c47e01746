/** Who sends a request. Authenticators are asked in turn; the first that knows, says. */
import type { User } from "../context.ts";

export interface Credentials {
  /** Bearer token, from the Authorization header or a WebSocket subprotocol. */
  readonly token: string | undefined;
  /** Client certificate that was verified against the client CA: subject's common name and organizations. */
  readonly certificate: ClientCertificate | undefined;
  /** A client certificate came that does not verify, or whose time is over: no reason to be taken for nobody. */
  readonly certificateRefused?: boolean;
}

export interface ClientCertificate {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** SHA-256 of the certificate, in hexadecimal. */
  readonly sha256?: string;
}

export interface Authenticator {
  /**
   * @returns undefined where these credentials are not of its kind
   * @throws ApiError 401 where they are and are wrong
   */
  authenticate(credentials: Credentials): Promise<User | undefined> | User | undefined;
}

/** Names the credential in audit logs and to admission (KEP-4193). */
export const credentialIdKey = "authentication.kubernetes.io/credential-id";

/** Client certificates: the common name is the user, the organizations are its groups. */
export const certificateAuthenticator: Authenticator = {
  authenticate({ certificate }) {
    if (!certificate) return undefined;
    const { commonName, organizations, sha256 } = certificate;
    if (commonName === "") return undefined;
    const extra = sha256 === undefined ? {} : { extra: { [credentialIdKey]: [`X509SHA256=${sha256}`] } };
    return authenticated({ name: commonName, groups: organizations, ...extra });
  },
};

/** Adds the group that every authenticated user has. */
export function authenticated(user: User): User {
  return { ...user, groups: [...new Set([...user.groups, "system:authenticated"])] };
}
