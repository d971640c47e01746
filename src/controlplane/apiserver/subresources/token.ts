/** POST serviceaccounts/<name>/token: a token for the account, perhaps bound to a pod, a node or a secret (TokenRequest). */
import { randomUUID } from "node:crypto";
import type { AdmissionChain } from "../admission/admission.ts";
import type { Lookup } from "../auth/lookup.ts";
import { serviceAccountUser, type KubernetesClaims } from "../auth/tokens/claims.ts";
import type { TokenSigner } from "../auth/tokens/signature.ts";
import { jsonResponse, type ApiResponse, type RequestContext } from "../context.ts";
import { decodedBody, objectOf } from "../request/body.ts";
import { writeOptions } from "../request/options.ts";
import type { ApiObject } from "../resources/resource.ts";
import type { SubresourceHandlers } from "../routes.ts";
import { ApiError, conflict, invalid, notFound, type Cause } from "../status.ts";
import { timestamp } from "../../../model/timestamp.ts";
import { checkFields } from "../validation/fields.ts";
import type { Endpoint } from "../verbs/endpoint.ts";

export interface TokenOptions {
  readonly signer: TokenSigner;
  readonly lookup: Lookup;
  readonly issuer: string;
  /** Audiences of the API: those of a token for which none is asked. */
  readonly audiences: readonly string[];
  readonly admission: () => AdmissionChain;
  /** Wall clock in ms. */
  readonly now: () => number;
}

interface TokenRequestSpec {
  audiences?: string[];
  expirationSeconds?: number;
  boundObjectRef?: { apiVersion?: string; kind?: string; name?: string; uid?: string };
}

const defaultSeconds = 3600;
const minSeconds = 600;
const maxSeconds = 2 ** 32;
/**
 * What the injected volumes ask for. Programs that read their token only once would fail after an
 * hour: such a token lives for a year, and says from when on its use is stale.
 */
const injectedSeconds = 3607;
const extendedSeconds = 365 * 24 * 3600;
const kind = { group: "authentication.k8s.io", plural: "tokenrequests", kind: "TokenRequest" };

export function tokenHandlers(options: TokenOptions): SubresourceHandlers {
  const requests = new TokenRequests(options);
  return new Map([["serviceaccounts/token", { create: (endpoint, context) => requests.create(endpoint, context) }]]);
}

class TokenRequests {
  readonly #options: TokenOptions;

  constructor(options: TokenOptions) {
    this.#options = options;
  }

  async create({ resource }: Endpoint, context: RequestContext): Promise<ApiResponse> {
    const { dryRun, fieldValidation } = writeOptions(context.query);
    const { namespace, name } = context.info;
    const request = objectOf(await decodedBody(context), {
      kind: "TokenRequest",
      apiVersion: "authentication.k8s.io/v1",
      name,
      namespace,
    });
    checkFields("AuthenticationV1TokenRequest", request, fieldValidation, context.warnings);
    const account = await this.#object("serviceaccounts", namespace, name);
    if (!account) throw notFound(resource, name);
    const spec = (request["spec"] as TokenRequestSpec | undefined) ?? {};
    request["spec"] = spec;
    this.#setDefaults(spec);
    const causes = specCauses(spec);
    if (causes.length > 0) throw invalid(kind, name, causes);
    const admission = this.#options.admission();
    const asked = { operation: "CREATE", resource, subresource: "token", namespace, name, object: request } as const;
    const admitted = { ...asked, old: undefined, user: context.user, dryRun, warnings: context.warnings };
    await admission.admit(admitted);
    await admission.validate(admitted);
    const bound = await this.#bound(account, spec);
    return jsonResponse(201, await this.#answer(request, account, spec, bound));
  }

  #setDefaults(spec: TokenRequestSpec): void {
    if (!spec.audiences || spec.audiences.length === 0) spec.audiences = [...this.#options.audiences];
    spec.expirationSeconds ??= defaultSeconds;
  }

  async #answer(
    request: ApiObject,
    account: ApiObject,
    spec: TokenRequestSpec,
    bound: Partial<KubernetesClaims>,
  ): Promise<object> {
    const { namespace = "", name = "", uid = "" } = account.metadata;
    const now = Math.floor(this.#options.now() / 1000);
    const asked = spec.expirationSeconds!;
    const isExtended = asked === injectedSeconds && bound.pod !== undefined && this.#isForApi(spec);
    const exp = now + (isExtended ? extendedSeconds : asked);
    const token = await this.#options.signer.sign({
      aud: spec.audiences!,
      exp,
      iat: now,
      iss: this.#options.issuer,
      jti: randomUUID(),
      "kubernetes.io": {
        namespace,
        ...bound,
        serviceaccount: { name, uid },
        ...(isExtended ? { warnafter: now + asked } : {}),
      },
      nbf: now,
      sub: serviceAccountUser(namespace, name),
    });
    // The kubelet renews by what was asked for, not by how long the token would live.
    const expirationTimestamp = timestamp((now + asked) * 1000);
    const metadata = { ...request.metadata, name, namespace, creationTimestamp: timestamp(now * 1000) };
    return { ...request, metadata, spec, status: { token, expirationTimestamp } };
  }

  #isForApi({ audiences }: TokenRequestSpec): boolean {
    return audiences!.length === 1 && this.#options.audiences.includes(audiences![0]!);
  }

  /** What the token stands and falls with. @throws ApiError 400, 404, 409 */
  async #bound(account: ApiObject, { boundObjectRef }: TokenRequestSpec): Promise<Partial<KubernetesClaims>> {
    if (!boundObjectRef) return {};
    const { kind: boundKind = "", apiVersion = "", name = "", uid } = boundObjectRef;
    const { namespace = "" } = account.metadata;
    const plural = apiVersion === "v1" ? boundPlurals[boundKind] : undefined;
    if (plural === undefined) {
      throw new ApiError("BadRequest", `cannot bind token to object of type ${apiVersion}, Kind=${boundKind}`);
    }
    const found = await this.#object(plural, plural === "nodes" ? "" : namespace, name);
    const named = { group: "", plural, kind: boundKind };
    if (!found) throw notFound(named, name);
    if (uid !== undefined && uid !== "" && uid !== found.metadata.uid) {
      const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
      throw conflict(named, name, why);
    }
    const reference = { name, uid: found.metadata.uid ?? "" };
    if (plural === "nodes") return { node: reference };
    if (plural === "secrets") return { secret: reference };
    return this.#boundPod(account, found, reference);
  }

  #boundPod(account: ApiObject, pod: ApiObject, reference: { name: string; uid: string }): Partial<KubernetesClaims> {
    const spec = pod["spec"] as { serviceAccountName?: string; nodeName?: string };
    const { name = "" } = account.metadata;
    if (spec.serviceAccountName !== name) {
      throw new ApiError(
        "BadRequest",
        `cannot bind token for serviceaccount "${name}" to pod running with different serviceaccount name.`,
      );
    }
    if (!spec.nodeName) return { pod: reference };
    const uid = this.#options.lookup.get("nodes", "", spec.nodeName)?.metadata.uid ?? "";
    return { node: { name: spec.nodeName, uid }, pod: reference };
  }

  async #object(storedAs: string, namespace: string, name: string): Promise<ApiObject | undefined> {
    await this.#options.lookup.fresh(storedAs);
    return this.#options.lookup.get(storedAs, namespace, name);
  }
}

const boundPlurals: Readonly<Record<string, string>> = { Pod: "pods", Secret: "secrets", Node: "nodes" };

function specCauses({ expirationSeconds = 0 }: TokenRequestSpec): Cause[] {
  const cause = (detail: string): Cause => ({
    reason: "FieldValueInvalid",
    message: `Invalid value: ${expirationSeconds}: ${detail}`,
    field: "spec.expirationSeconds",
  });
  if (expirationSeconds < minSeconds) return [cause("may not specify a duration less than 10 minutes")];
  if (expirationSeconds > maxSeconds) return [cause("may not specify a duration larger than 2^32 seconds")];
  return [];
}
