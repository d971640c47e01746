/** Who sends a request. Authenticators are asked in turn; the first that knows, says. */
import type { User } from "../context.ts";

export interface Credentials {
  /** Bearer token, from the Authorization header or a WebSocket subprotocol. */
  readonly token: string | undefined;
  /** Client certificate that was verified against the client CA: subject's common name and organizations. */
  readonly certificate: { readonly commonName: string; readonly organizations: readonly string[] } | undefined;
}

export interface Authenticator {
  /**
   * @returns undefined where these credentials are not of its kind
   * @throws ApiError 401 where they are and are wrong
   */
  authenticate(credentials: Credentials): Promise<User | undefined> | User | undefined;
}

/** Client certificates: the common name is the user, the organizations are its groups. */
export const certificateAuthenticator: Authenticator = {
  authenticate({ certificate }) {
    if (!certificate) return undefined;
    return authenticated({ name: certificate.commonName, groups: certificate.organizations });
  },
};

/** Adds the group that every authenticated user has. */
export function authenticated(user: User): User {
  return { ...user, groups: [...new Set([...user.groups, "system:authenticated"])] };
}
