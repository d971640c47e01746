/** How others verify our tokens without asking (KEP-1393): the discovery document and the public keys. */
import { jsonResponse, type ApiResponse, type RequestContext } from "../context.ts";
import type { SigningKeys } from "../certificates/signing_keys.ts";

export interface OidcOptions {
  readonly issuer: string;
  readonly keys: SigningKeys;
  /** `https://host:port` */
  readonly externalUrl: () => string;
}

const maxAge = { "Cache-Control": "public, max-age=3600" };

/** Answers the two paths. @returns undefined for any other */
export function oidcDocuments({ issuer, keys, externalUrl }: OidcOptions) {
  return ({ info }: RequestContext): ApiResponse | undefined => {
    if (info.path === "/.well-known/openid-configuration") {
      const algorithms = [...new Set(keys.all().map(({ algorithm }) => algorithm))];
      return {
        ...jsonResponse(200, {
          issuer,
          jwks_uri: `${externalUrl()}/openid/v1/jwks`,
          response_types_supported: ["id_token"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: algorithms,
        }),
        headers: maxAge,
      };
    }
    if (info.path !== "/openid/v1/jwks") return undefined;
    const jwks = keys.all().map(({ id, algorithm, publicKey }) => ({
      use: "sig",
      kid: id,
      alg: algorithm,
      ...publicKey.export({ format: "jwk" }),
    }));
    const body = Buffer.from(JSON.stringify({ keys: jwks }));
    return { code: 200, contentType: "application/jwk-set+json", body, headers: maxAge };
  };
}
