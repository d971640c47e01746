/** Acting as somebody else: Impersonate-User, -Group, -Uid and -Extra-* (apiserver's impersonation filter). */
import { anonymous, type RequestContext, type User } from "../context.ts";
import { ApiError } from "../status.ts";
import type { Attributes, Authorizer } from "./authorizer.ts";
import { forbidden } from "./forbidden.ts";
import { serviceAccountGroups, serviceAccountOf } from "./tokens/claims.ts";

const extraPrefix = "impersonate-extra-";
const authentication = "authentication.k8s.io";

/** Puts the user that is asked for in the place of who asks, where that one may. */
export function impersonation(authorizer: Authorizer): (context: RequestContext) => Promise<RequestContext> {
  return async (context) => {
    const wanted = wantedUser(context.headers);
    if (!wanted) return context;
    for (const attributes of questions(context.user, wanted)) {
      const { decision, reason } = await authorizer.authorize(attributes);
      if (decision !== "allow") throw forbidden(attributes, reason);
    }
    return { ...context, user: impersonated(wanted) };
  };
}

/** @throws ApiError 400 where groups, a uid or extras come without a user */
function wantedUser(headers: RequestContext["headers"]): User | undefined {
  const name = valuesOf(headers["impersonate-user"])[0] ?? "";
  const groups = valuesOf(headers["impersonate-group"]);
  const uid = valuesOf(headers["impersonate-uid"])[0] ?? "";
  const extra: Record<string, string[]> = {};
  for (const [header, value] of Object.entries(headers)) {
    if (header.startsWith(extraPrefix)) extra[extraKey(header)] = valuesOf(value);
  }
  if (name === "") {
    if (groups.length === 0 && uid === "" && Object.keys(extra).length === 0) return undefined;
    throw new ApiError("BadRequest", "requested groups, a uid or extras without impersonating a user");
  }
  return { name, groups, ...(uid === "" ? {} : { uid }), extra };
}

/** What who asks must be allowed: each part of the other's identity by itself. */
function* questions(user: User, wanted: User): Generator<Attributes> {
  const ask = (part: Partial<Attributes>): Attributes => ({
    user,
    verb: "impersonate",
    group: "",
    version: "v1",
    resource: "",
    subresource: "",
    namespace: "",
    name: "",
    ...part,
  });
  const account = serviceAccountOf(wanted.name);
  if (account) yield ask({ resource: "serviceaccounts", ...account });
  else yield ask({ resource: "users", name: wanted.name });
  for (const name of wanted.groups) yield ask({ resource: "groups", name });
  if (wanted.uid !== undefined) yield ask({ group: authentication, resource: "uids", name: wanted.uid });
  for (const [key, values] of Object.entries(wanted.extra ?? {})) {
    for (const name of values) yield ask({ group: authentication, resource: "userextras", subresource: key, name });
  }
}

function impersonated({ name, groups, uid, extra }: User): User {
  const account = serviceAccountOf(name);
  const own = groups.length === 0 && account ? serviceAccountGroups(account.namespace) : groups;
  const isAnonymous = name === anonymous.name;
  const everyone = isAnonymous ? "system:unauthenticated" : "system:authenticated";
  const isMarked = own.includes("system:authenticated") || own.includes("system:unauthenticated");
  return {
    name,
    groups: isMarked ? own : [...own, everyone],
    ...(uid === undefined ? {} : { uid }),
    ...(Object.keys(extra ?? {}).length === 0 ? {} : { extra: extra! }),
  };
}

/** Several headers of a name come joined by node, with a comma and a space. */
function valuesOf(header: string | string[] | undefined): string[] {
  if (header === undefined) return [];
  return [header]
    .flat()
    .flatMap((value) => value.split(", "))
    .filter((value) => value !== "");
}

/** Keys of extras may hold what a header's name may not: they come escaped. */
function extraKey(header: string): string {
  const escaped = header.slice(extraPrefix.length);
  try {
    return decodeURIComponent(escaped);
  } catch {
    return escaped;
  }
}
