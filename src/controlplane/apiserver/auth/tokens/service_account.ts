/** Bound service-account tokens: good as long as their account, and what they are bound to, is there. */
import type { User } from "../../context.ts";
import type { ApiObject } from "../../resources/resource.ts";
import { credentialIdKey } from "../authenticator.ts";
import type { Lookup } from "../lookup.ts";
import { TokenError, type TokenAuthenticator, type TokenIdentity } from "./authenticator.ts";
import {
  leewaySeconds,
  peekIssuer,
  serviceAccountGroups,
  serviceAccountUser,
  type Claims,
  type ObjectReference,
} from "./claims.ts";
import type { TokenSigner } from "./signature.ts";

const keyPrefix = "authentication.kubernetes.io/";

export interface ServiceAccountTokensOptions {
  readonly signer: TokenSigner;
  readonly lookup: Lookup;
  /** Whose tokens are taken. */
  readonly issuers: readonly string[];
  /** Wall clock in ms. */
  readonly now: () => number;
}

export class ServiceAccountTokens implements TokenAuthenticator {
  readonly #options: ServiceAccountTokensOptions;

  constructor(options: ServiceAccountTokensOptions) {
    this.#options = options;
  }

  async authenticateToken(token: string, audiences: readonly string[]): Promise<TokenIdentity | undefined> {
    const issuer = peekIssuer(token);
    if (issuer === undefined || !this.#options.issuers.includes(issuer)) return undefined;
    const claims = await this.#options.signer.verify(token);
    this.#checkTime(claims);
    const common = audiences.filter((audience) => claims.aud.includes(audience));
    if (common.length === 0) {
      throw new TokenError(
        `token audiences ${JSON.stringify(claims.aud)} is invalid for the target audiences ${JSON.stringify(audiences)}`,
      );
    }
    await this.#checkObjects(claims);
    return { user: userOf(claims), audiences: common };
  }

  #checkTime({ exp, nbf }: Claims): void {
    const now = this.#options.now() / 1000;
    if (now - leewaySeconds > exp) throw new TokenError("service account token has expired");
    if (now + leewaySeconds < nbf) throw new TokenError("service account token is not valid yet");
  }

  async #checkObjects({ "kubernetes.io": claims }: Claims): Promise<void> {
    const { namespace, serviceaccount, secret, pod, node } = claims;
    await this.#checkAlive("serviceaccounts", namespace, serviceaccount, {
      gone: `service account ${namespace}/${serviceaccount.name} has been deleted`,
      another: (uid) => `service account UID (${uid}) does not match claim (${serviceaccount.uid})`,
    });
    const gone = "service account token has been invalidated";
    if (secret) {
      const another = (uid: string): string =>
        `secret UID (${uid}) does not match service account secret ref claim (${secret.uid})`;
      await this.#checkAlive("secrets", namespace, secret, { gone, another });
    }
    if (pod) {
      const another = (uid: string): string =>
        `pod UID (${uid}) does not match service account pod ref claim (${pod.uid})`;
      await this.#checkAlive("pods", namespace, pod, { gone, another });
    } else if (node) {
      const another = (uid: string): string =>
        `node UID (${uid}) does not match service account node ref claim (${node.uid})`;
      await this.#checkAlive("nodes", "", node, { gone, another });
    }
  }

  async #checkAlive(
    storedAs: string,
    namespace: string,
    { name, uid }: ObjectReference,
    words: { readonly gone: string; readonly another: (uid: string) => string },
  ): Promise<void> {
    const { lookup } = this.#options;
    let found = lookup.get(storedAs, namespace, name);
    if (found?.metadata.uid !== uid) {
      // It may have been made a moment ago.
      await lookup.fresh(storedAs);
      found = lookup.get(storedAs, namespace, name);
    }
    if (!found || this.#isDeleted(found)) throw new TokenError(words.gone);
    if (found.metadata.uid !== uid) throw new TokenError(words.another(found.metadata.uid ?? ""));
  }

  /** What is being deleted counts for a little longer, so that a pod can still end well. */
  #isDeleted({ metadata: { deletionTimestamp } }: ApiObject): boolean {
    if (deletionTimestamp === undefined) return false;
    return Date.parse(deletionTimestamp) < this.#options.now() - leewaySeconds * 1000;
  }
}

function userOf({ jti, "kubernetes.io": claims }: Claims): User {
  const { namespace, serviceaccount, pod, node } = claims;
  const extra = {
    ...(jti === undefined ? {} : { [credentialIdKey]: [`JTI=${jti}`] }),
    ...(pod ? { [`${keyPrefix}pod-name`]: [pod.name], [`${keyPrefix}pod-uid`]: [pod.uid] } : {}),
    ...(node ? { [`${keyPrefix}node-name`]: [node.name] } : {}),
    ...(node && node.uid !== "" ? { [`${keyPrefix}node-uid`]: [node.uid] } : {}),
  };
  return {
    name: serviceAccountUser(namespace, serviceaccount.name),
    uid: serviceaccount.uid,
    groups: serviceAccountGroups(namespace),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}
