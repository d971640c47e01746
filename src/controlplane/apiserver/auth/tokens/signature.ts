/** Signing and verifying service-account tokens (RFC 7515). The library is loaded with the first token. */
import { createHash } from "node:crypto";
import type { SigningKeys } from "../../certificates/signing_keys.ts";
import { claimsOf, type Claims } from "./claims.ts";
import { TokenError } from "./authenticator.ts";

/** Tokens whose signature is known to be right: as many as a large cluster's pods have. */
const cachedTokens = 4096;

export class TokenSigner {
  readonly #keys: SigningKeys;
  /** Claims by the token's hash, the one used longest ago first: a token itself is not kept. */
  readonly #verified = new Map<string, Claims>();

  constructor(keys: SigningKeys) {
    this.#keys = keys;
  }

  async sign(claims: Claims): Promise<string> {
    const { CompactSign } = await import("jose/jws/compact/sign");
    const { id, algorithm, privateKey } = this.#keys.current;
    return new CompactSign(Buffer.from(JSON.stringify(claims)))
      .setProtectedHeader({ alg: algorithm, kid: id })
      .sign(privateKey);
  }

  /** @throws TokenError unless one of our keys signed exactly this */
  async verify(token: string): Promise<Claims> {
    const hash = createHash("sha256").update(token).digest("base64");
    const known = this.#verified.get(hash);
    this.#verified.delete(hash);
    const claims = known ?? (await this.#verifyAnew(token));
    this.#verified.set(hash, claims);
    if (this.#verified.size > cachedTokens) this.#verified.delete(this.#verified.keys().next().value!);
    return claims;
  }

  async #verifyAnew(token: string): Promise<Claims> {
    const { compactVerify } = await import("jose/jws/compact/verify");
    let payload: unknown;
    try {
      const verified = await compactVerify(
        token,
        ({ kid, alg }) => {
          const key = kid === undefined ? undefined : this.#keys.find(kid);
          if (key?.algorithm !== alg) throw new TokenError("the token is signed by no key of this server");
          return key.publicKey;
        },
        { algorithms: ["ES256", "RS256"] },
      );
      payload = JSON.parse(Buffer.from(verified.payload).toString());
    } catch (cause) {
      throw cause instanceof TokenError ? cause : new TokenError((cause as Error).message);
    }
    const claims = claimsOf(payload);
    if (!claims) throw new TokenError("the token's claims are not a service account's");
    return claims;
  }
}
