/** Bearer tokens: whose is this one? */
import type { User } from "../../context.ts";
import { ApiError } from "../../status.ts";
import { authenticated, type Authenticator } from "../authenticator.ts";

/** A token is wrong; the message is for who asked by a TokenReview, never for who sent the token. */
export class TokenError extends Error {}

export interface TokenIdentity {
  readonly user: User;
  /** The audiences of the token that were asked for; absent where its kind has none. */
  readonly audiences?: readonly string[];
}

export interface TokenAuthenticator {
  /**
   * @param audiences that the token must be for one of
   * @returns undefined where the token is not of its kind
   * @throws TokenError where it is and is wrong
   */
  authenticateToken(
    token: string,
    audiences: readonly string[],
  ): Promise<TokenIdentity | undefined> | TokenIdentity | undefined;
}

/** A longer one is nobody's: real ones are some 1 to 2 KB. */
const maxTokenLength = 16 * 1024;

/** Asks one after another; where none knows the token, their objections are told together. */
export class TokenAuthenticators implements TokenAuthenticator {
  readonly #authenticators: readonly TokenAuthenticator[];

  constructor(authenticators: readonly TokenAuthenticator[]) {
    this.#authenticators = authenticators;
  }

  async authenticateToken(token: string, audiences: readonly string[]): Promise<TokenIdentity | undefined> {
    if (token.length > maxTokenLength) throw new TokenError("the token is too long");
    const objections: string[] = [];
    for (const authenticator of this.#authenticators) {
      try {
        const identity = await authenticator.authenticateToken(token, audiences);
        if (identity) return { ...identity, user: authenticated(identity.user) };
      } catch (error) {
        if (!(error instanceof TokenError)) throw error;
        objections.push(error.message);
      }
    }
    if (objections.length > 0) throw new TokenError(`[invalid bearer token, ${objections.join(", ")}]`);
    return undefined;
  }
}

/** Takes the token of a request, which must be for the API itself. */
export function bearerAuthenticator(tokens: TokenAuthenticator, audiences: readonly string[]): Authenticator {
  return {
    async authenticate({ token }) {
      if (token === undefined) return undefined;
      try {
        return (await tokens.authenticateToken(token, audiences))?.user;
      } catch (error) {
        if (error instanceof TokenError) throw new ApiError("Unauthorized", "Unauthorized");
        throw error;
      }
    },
  };
}
