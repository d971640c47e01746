/** Who is let in and what they may do: authenticators, authorizers and admission plug-ins, in their order. */
import { AdmissionChain, type AdmissionPlugin } from "./admission/admission.ts";
import { builtInPlugins } from "./admission/plugins.ts";
import type { ApiServerOptions } from "./api_server.ts";
import { certificateAuthenticator, type Authenticator } from "./auth/authenticator.ts";
import { always, union, type AuthorizationMode, type Authorizer } from "./auth/authorizer.ts";
import { impersonation } from "./auth/impersonation.ts";
import type { Lookup } from "./auth/lookup.ts";
import { nodeAuthorizer } from "./auth/node/authorizer.ts";
import { NodeGraph } from "./auth/node/graph.ts";
import { oidcDocuments } from "./auth/oidc.ts";
import { privilegedAuthorizer } from "./auth/privileged.ts";
import { rbacAuthorizer } from "./auth/rbac/authorizer.ts";
import { RbacIndex } from "./auth/rbac/index.ts";
import { bearerAuthenticator, TokenAuthenticators } from "./auth/tokens/authenticator.ts";
import { BootstrapTokens } from "./auth/tokens/bootstrap.ts";
import { tokenFile } from "./auth/tokens/file.ts";
import { ServiceAccountTokens } from "./auth/tokens/service_account.ts";
import { TokenSigner } from "./auth/tokens/signature.ts";
import { loopbackUser } from "./loopback/loopback.ts";
import { nodeRole } from "./bootstrap/policy/component_roles.ts";
import type { SigningKeys } from "./certificates/signing_keys.ts";
import { selfSubjectReview, tokenReview } from "./reviews/authentication.ts";
import {
  localSubjectAccessReview,
  selfSubjectAccessReview,
  selfSubjectRulesReview,
  subjectAccessReview,
} from "./reviews/authorization.ts";
import { reviewHandlers } from "./reviews/review.ts";
import type { Routes, SubresourceHandlers } from "./routes.ts";
import type { ApiObject } from "./resources/resource.ts";
import { parseObject } from "./storage/object_bytes.ts";
import type { Change } from "./storage/registry.ts";
import { tokenHandlers } from "./subresources/token.ts";

/** What an operator decides of who comes in and what they may do. */
export interface AccessOptions {
  /** --token-auth-file */
  readonly tokenAuthFile?: string;
  /** --anonymous-auth; default true. */
  readonly anonymousAuth?: boolean;
  /** --authorization-mode, in their order; default Node, RBAC. */
  readonly authorizationModes?: readonly AuthorizationMode[];
  /** --disable-admission-plugins */
  readonly disabledAdmission?: readonly string[];
}

export interface SecurityOptions extends Pick<
  AccessOptions,
  "tokenAuthFile" | "authorizationModes" | "disabledAdmission"
> {
  readonly lookup: Lookup;
  readonly signingKeys: SigningKeys;
  /** The first one's name is on new tokens. */
  readonly issuers: readonly [string, ...string[]];
  readonly audiences: readonly string[];
  /** Where the server is reached from outside, `https://host:port`. */
  readonly externalUrl: () => string;
  /** The server's routes, once it is there. */
  readonly routes: () => Routes;
  /** Plug-ins besides the built-in ones: behind those that change objects, before quotas. */
  readonly admission: readonly AdmissionPlugin[];
  /** Plug-ins behind all others: those that set aside what the write takes. */
  readonly last: readonly AdmissionPlugin[];
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
  const { lookup, issuers, audiences, now } = options;
  const [issuer] = issuers;
  const signer = new TokenSigner(options.signingKeys);
  const tokens = tokenAuthenticators(options, signer);
  const rbac = new RbacIndex(lookup);
  const authorizer = union(
    privilegedAuthorizer,
    ...authorizers(options.authorizationModes ?? defaultModes, lookup, rbac),
  );
  const builtIn = builtInPlugins({
    lookup,
    authorizer,
    rbac,
    updateQuotaStatus: (namespace, name, change) => updateQuotaStatus(options.routes(), namespace, name, change),
    objectsOf: (group, plural, namespace) => objectsOf(options.routes(), group, plural, namespace),
    others: options.admission,
  });
  const disabled = new Set(options.disabledAdmission);
  const admission = [...builtIn.filter(({ name }) => !disabled.has(name)), ...options.last];
  const chain = new AdmissionChain(admission);
  return {
    authenticators: [certificateAuthenticator, bearerAuthenticator(tokens, audiences)],
    authorizer,
    impersonate: impersonation(authorizer),
    admission,
    subresources: tokenHandlers({ signer, lookup, issuer, audiences, now, admission: () => chain }),
    answers: reviewHandlers({
      "selfsubjectreviews.authentication.k8s.io": selfSubjectReview,
      "tokenreviews.authentication.k8s.io": tokenReview(tokens, audiences),
      "selfsubjectaccessreviews.authorization.k8s.io": selfSubjectAccessReview(authorizer),
      "subjectaccessreviews.authorization.k8s.io": subjectAccessReview(authorizer),
      "localsubjectaccessreviews.authorization.k8s.io": localSubjectAccessReview(authorizer),
      "selfsubjectrulesreviews.authorization.k8s.io": selfSubjectRulesReview(authorizer),
    }),
    nonResource: oidcDocuments({ issuer, keys: options.signingKeys, externalUrl: options.externalUrl }),
  };
}

/** In any version that is served. */
function objectsOf(routes: Routes, group: string, plural: string, namespace: string): ApiObject[] {
  for (const { resource, registry } of routes.endpoints()) {
    if (resource.group !== group || resource.plural !== plural) continue;
    return registry.cache.items.withPrefix(registry.prefix(namespace)).map(({ bytes }) => parseObject(bytes));
  }
  return [];
}

const defaultModes: readonly AuthorizationMode[] = ["Node", "RBAC"];

function authorizers(modes: readonly AuthorizationMode[], lookup: Lookup, rbac: RbacIndex): Authorizer[] {
  const make: Readonly<Record<AuthorizationMode, () => Authorizer>> = {
    Node: () => nodeAuthorizer(new NodeGraph(lookup), nodeRole.rules),
    RBAC: () => rbacAuthorizer(rbac),
    AlwaysAllow: () => always("allow", ""),
    AlwaysDeny: () => always("no opinion", "Everything is forbidden."),
  };
  return modes.map((mode) => make[mode]());
}

async function updateQuotaStatus(routes: Routes, namespace: string, name: string, change: Change): Promise<void> {
  const { registry } = routes.find("", "v1", "resourcequotas")!;
  const request = { user: loopbackUser, dryRun: false, warnings: [], subresource: "status" };
  await registry.update(namespace, name, change, request);
}

function tokenAuthenticators({ lookup, issuers, now, tokenAuthFile }: SecurityOptions, signer: TokenSigner) {
  return new TokenAuthenticators([
    ...(tokenAuthFile === undefined ? [] : [tokenFile(tokenAuthFile)]),
    new ServiceAccountTokens({ signer, lookup, issuers, now }),
    new BootstrapTokens(lookup, now),
  ]);
}
