/** Who is let in and what they may do: authenticators, authorizers and admission plug-ins, in their order. */
import type { AdmissionPlugin } from "./admission/admission.ts";
import type { ApiServerOptions } from "./api_server.ts";
import { certificateAuthenticator, type Authenticator } from "./auth/authenticator.ts";
import { union, type Authorizer } from "./auth/authorizer.ts";
import type { Lookup } from "./auth/lookup.ts";
import { privilegedAuthorizer } from "./auth/privileged.ts";
import type { Loopback } from "./bootstrap/loopback.ts";
import type { SigningKeys } from "./certificates/signing_keys.ts";
import type { SubresourceHandlers } from "./routes.ts";

export interface SecurityOptions {
  readonly lookup: Lookup;
  readonly signingKeys: SigningKeys;
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly tokenAuthFile: string | undefined;
  /** Where the server is reached from outside, `https://host:port`. */
  readonly externalUrl: () => string;
  /** The server's own requests, once it is there. */
  readonly loopback: () => Loopback;
  /** Plug-ins behind the built-in ones. */
  readonly admission: readonly AdmissionPlugin[];
  /** Wall clock in ms. */
  readonly now: () => number;
}

export interface Security {
  readonly authenticators: readonly Authenticator[];
  readonly authorizer: Authorizer;
  readonly impersonate: NonNullable<ApiServerOptions["impersonate"]>;
  readonly admission: readonly AdmissionPlugin[];
  readonly subresources: SubresourceHandlers;
  readonly answers: SubresourceHandlers;
  readonly nonResource: NonNullable<ApiServerOptions["nonResource"]>;
}

export function secure(options: SecurityOptions): Security {
  return {
    authenticators: [certificateAuthenticator],
    authorizer: union(privilegedAuthorizer),
    impersonate: (context) => Promise.resolve(context),
    admission: options.admission,
    subresources: new Map(),
    answers: new Map(),
    nonResource: () => undefined,
  };
}
