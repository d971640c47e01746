/** Which of the names that a definition asks for it gets: first come, first served within a group (pkg/controller/status/naming_controller.go). */
import { conditionOf, isTrue, type Condition, type Definition, type Names } from "./definition/definition.ts";

export interface Naming {
  readonly acceptedNames: Names;
  readonly condition: Omit<Condition, "lastTransitionTime">;
}

/** Names that are taken in a group, of resources and of kinds. */
interface Taken {
  readonly resources: ReadonlySet<string>;
  readonly kinds: ReadonlySet<string>;
}

/** @param others all other definitions of the group; `reserved` plurals are the server's own */
export function namingOf(definition: Definition, others: readonly Definition[], reserved: ReadonlySet<string>): Naming {
  const taken = takenBy(others, reserved);
  const wanted = definition.spec.names;
  const accepted: Names = { ...(definition.status?.acceptedNames ?? { plural: "", kind: "" }) };
  const refused: [string, string][] = [];
  const take = (field: "plural" | "singular" | "kind" | "listKind", isFree: boolean, code: string): void => {
    if (isFree) accepted[field] = wanted[field]!;
    else refused.push([code, `"${wanted[field]!}" is already in use`]);
  };
  take("plural", !taken.resources.has(wanted.plural), "PluralConflict");
  take("singular", !taken.resources.has(wanted.singular!), "SingularConflict");
  const short = (wanted.shortNames ?? []).filter((name) => taken.resources.has(name));
  if (short.length === 0) setOrDelete(accepted, "shortNames", wanted.shortNames);
  else refused.push(["ShortNamesConflict", `[${short.map((name) => `"${name}" is already in use`).join(", ")}]`]);
  take("kind", !taken.kinds.has(wanted.kind), "KindConflict");
  take("listKind", !taken.kinds.has(wanted.listKind!), "ListKindConflict");
  setOrDelete(accepted, "categories", wanted.categories);
  return { acceptedNames: accepted, condition: conditionFrom(refused) };
}

function conditionFrom(refused: readonly [string, string][]): Naming["condition"] {
  const type = "NamesAccepted";
  const last = refused.at(-1);
  if (!last) return { type, status: "True", reason: "NoConflicts", message: "no conflicts found" };
  return { type, status: "False", reason: last[0], message: last[1] };
}

function setOrDelete(names: Names, field: "shortNames" | "categories", value: string[] | undefined): void {
  if (value && value.length > 0) names[field] = value;
  else delete names[field];
}

function takenBy(others: readonly Definition[], reserved: ReadonlySet<string>): Taken {
  const resources = new Set(reserved);
  const kinds = new Set<string>();
  for (const { status } of others) {
    const names = status?.acceptedNames;
    if (!names) continue;
    for (const name of [names.plural, names.singular, ...(names.shortNames ?? [])]) if (name) resources.add(name);
    for (const kind of [names.kind, names.listKind]) if (kind) kinds.add(kind);
  }
  return { resources, kinds };
}

/** Once established a definition stays so: its objects are not lost by a conflict that comes later. */
export function establishedCondition(definition: Definition, naming: Naming): Omit<Condition, "lastTransitionTime"> {
  const type = "Established";
  if (isTrue(definition, type)) {
    const { status, reason, message } = conditionOf(definition, type)!;
    return { type, status, reason, message };
  }
  if (naming.condition.status === "True") {
    return { type, status: "True", reason: "InitialNamesAccepted", message: "the initial names have been accepted" };
  }
  return { type, status: "False", reason: "NotAccepted", message: "not all names are accepted" };
}

/** The conditions with one set; its time changes when its status does. */
export function withCondition(
  conditions: readonly Condition[],
  condition: Omit<Condition, "lastTransitionTime">,
  now: string,
): Condition[] {
  const old = conditions.find(({ type }) => type === condition.type);
  const lastTransitionTime = old?.status === condition.status ? old.lastTransitionTime : now;
  const next: Condition = {
    lastTransitionTime,
    message: condition.message,
    reason: condition.reason,
    status: condition.status,
    type: condition.type,
  };
  return old ? conditions.map((one) => (one === old ? next : one)) : [...conditions, next];
}
