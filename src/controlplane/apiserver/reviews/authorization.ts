/** authorization.k8s.io: may somebody do this, may I, and what may I do? */
import type { Attributes, Authorizer } from "../auth/authorizer.ts";
import type { User } from "../context.ts";
import { ApiError, invalid, type Cause } from "../status.ts";
import { invalidValue } from "../validation/metadata.ts";
import type { Answer } from "./review.ts";

interface ResourceAttributes {
  readonly namespace?: string;
  readonly verb?: string;
  readonly group?: string;
  readonly version?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly name?: string;
  readonly fieldSelector?: { readonly rawSelector?: string; readonly requirements?: readonly Requirement[] };
}

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

interface ReviewSpec {
  readonly resourceAttributes?: ResourceAttributes;
  readonly nonResourceAttributes?: { readonly path?: string; readonly verb?: string };
  readonly user?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** May I? */
export function selfSubjectAccessReview(authorizer: Authorizer): Answer {
  return (review, { user }, { resource }) => {
    const spec = specOf(review["spec"]);
    refuse(resource, subjectCauses(spec, { needsUser: false }));
    return status(authorizer, attributesOf(spec, user));
  };
}

/** May somebody? */
export function subjectAccessReview(authorizer: Authorizer): Answer {
  return (review, _context, { resource }) => {
    const spec = specOf(review["spec"]);
    refuse(resource, subjectCauses(spec, { needsUser: true }));
    return status(authorizer, attributesOf(spec, userOf(spec)));
  };
}

/** May somebody, in this namespace? Who may ask this need not be allowed to ask of other namespaces. */
export function localSubjectAccessReview(authorizer: Authorizer): Answer {
  return (review, { info }, { resource }) => {
    const spec = specOf(review["spec"]);
    const causes = subjectCauses(spec, { needsUser: true });
    if (spec.nonResourceAttributes) {
      const detail = "disallowed on this kind of request";
      causes.push(invalidValue("spec.nonResourceAttributes", spec.nonResourceAttributes, detail));
    }
    refuse(resource, causes);
    if ((spec.resourceAttributes?.namespace ?? "") !== info.namespace) {
      throw new ApiError("BadRequest", `spec.resourceAttributes.namespace must match namespace: ${info.namespace}`);
    }
    return status(authorizer, attributesOf(spec, userOf(spec)));
  };
}

/** What may I do in a namespace? */
export function selfSubjectRulesReview(authorizer: Authorizer): Answer {
  return (review, { user }) => {
    const { namespace } = (review["spec"] ?? {}) as { namespace?: string };
    if (!namespace) throw new ApiError("BadRequest", "no namespace on request");
    const list = authorizer.rulesFor?.(user, namespace);
    return {
      resourceRules: list?.resourceRules ?? [],
      nonResourceRules: list?.nonResourceRules ?? [],
      incomplete: list?.incomplete !== undefined,
      ...(list?.incomplete === undefined ? {} : { evaluationError: list.incomplete }),
    };
  };
}

async function status(authorizer: Authorizer, attributes: Attributes): Promise<object> {
  const { decision, reason } = await authorizer.authorize(attributes);
  return {
    allowed: decision === "allow",
    ...(decision === "deny" ? { denied: true } : {}),
    ...(reason === "" ? {} : { reason }),
  };
}

function specOf(spec: unknown): ReviewSpec {
  return spec ?? {};
}

function userOf({ user = "", uid, groups = [], extra }: ReviewSpec): User {
  return { name: user, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) };
}

function attributesOf({ resourceAttributes, nonResourceAttributes }: ReviewSpec, user: User): Attributes {
  if (nonResourceAttributes) {
    const { verb = "", path = "" } = nonResourceAttributes;
    return { user, verb, group: "", version: "", resource: "", subresource: "", namespace: "", name: "", path };
  }
  const { verb = "", group = "", version = "", resource = "", subresource = "" } = resourceAttributes!;
  const { namespace = "", name = "" } = resourceAttributes!;
  const fieldSelector = selectorText(resourceAttributes!.fieldSelector);
  return {
    user,
    verb,
    group,
    version,
    resource,
    subresource,
    namespace,
    name,
    ...(fieldSelector === "" ? {} : { fieldSelector }),
  };
}

function selectorText({
  rawSelector,
  requirements = [],
}: NonNullable<ResourceAttributes["fieldSelector"]> = {}): string {
  if (rawSelector) return rawSelector;
  const equal = requirements.filter(({ operator, values }) => operator === "In" && values?.length === 1);
  return equal.map(({ key, values }) => `${key}=${values![0]!}`).join(",");
}

function subjectCauses(spec: ReviewSpec, { needsUser }: { readonly needsUser: boolean }): Cause[] {
  const causes: Cause[] = [];
  const { resourceAttributes, nonResourceAttributes, user, groups } = spec;
  if (resourceAttributes && nonResourceAttributes) {
    const detail = "cannot be specified in combination with resourceAttributes";
    causes.push(invalidValue("spec.nonResourceAttributes", nonResourceAttributes, detail));
  }
  if (!resourceAttributes && !nonResourceAttributes) {
    const detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
    causes.push(invalidValue("spec.resourceAttributes", null, detail));
  }
  if (needsUser && !user && (groups ?? []).length === 0) {
    causes.push(invalidValue("spec.user", user ?? "", "at least one of user or group must be specified"));
  }
  return causes;
}

function refuse(resource: Parameters<typeof invalid>[0], causes: readonly Cause[]): void {
  if (causes.length > 0) throw invalid(resource, "", causes);
}
