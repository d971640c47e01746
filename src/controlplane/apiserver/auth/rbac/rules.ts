/** Rules of RBAC and what they allow (component-helpers/auth/rbac/validation). Pure. */
import type { Attributes } from "../authorizer.ts";

export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  /** "pods", "pods/log", "*", and a subresource of anything with "*" for what stands before the slash. */
  readonly resources?: readonly string[];
  /** Empty or absent: every name. */
  readonly resourceNames?: readonly string[];
  /** Paths outside of resources; a "*" may end one. */
  readonly nonResourceURLs?: readonly string[];
}

/** The part of a request that a rule looks at. */
export type Asked = Pick<Attributes, "verb" | "group" | "resource" | "subresource" | "name" | "path">;

const all = "*";

export function ruleAllows(rule: PolicyRule, asked: Asked): boolean {
  if (!has(rule.verbs, asked.verb)) return false;
  if (asked.path !== undefined) return (rule.nonResourceURLs ?? []).some((url) => matchesPath(url, asked.path!));
  return (
    has(rule.apiGroups, asked.group) &&
    matchesResource(rule.resources, asked.resource, asked.subresource) &&
    (isEmpty(rule.resourceNames) || rule.resourceNames!.includes(asked.name))
  );
}

function matchesResource(resources: PolicyRule["resources"], resource: string, subresource: string): boolean {
  if (!resources) return false;
  const whole = subresource === "" ? resource : `${resource}/${subresource}`;
  if (resources.includes(all) || resources.includes(whole)) return true;
  return subresource !== "" && resources.includes(`*/${subresource}`);
}

function matchesPath(url: string, path: string): boolean {
  return url === all || url === path || (url.endsWith(all) && path.startsWith(url.slice(0, -1)));
}

function has(values: readonly string[] | undefined, value: string): boolean {
  return values !== undefined && (values.includes(all) || values.includes(value));
}

function isEmpty(values: readonly string[] | undefined): boolean {
  return values === undefined || values.length === 0;
}

/** Rules that `held` does not cover of `wanted`, each about one verb, group, resource and name. */
export function missingRules(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(parts).filter((part) => !held.some((rule) => coversPart(rule, part)));
}

/** A rule as rules about one thing each. */
function parts(rule: PolicyRule): PolicyRule[] {
  const single: PolicyRule[] = [];
  for (const verb of rule.verbs) {
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        const part = { verbs: [verb], apiGroups: [group], resources: [resource] };
        if (isEmpty(rule.resourceNames)) single.push(part);
        else for (const name of rule.resourceNames!) single.push({ ...part, resourceNames: [name] });
      }
    }
    for (const url of rule.nonResourceURLs ?? []) single.push({ verbs: [verb], nonResourceURLs: [url] });
  }
  return single;
}

function coversPart(rule: PolicyRule, part: PolicyRule): boolean {
  if (!has(rule.verbs, part.verbs[0]!)) return false;
  const url = part.nonResourceURLs?.[0];
  if (url !== undefined) return (rule.nonResourceURLs ?? []).some((held) => matchesPath(held, url));
  if (!has(rule.apiGroups, part.apiGroups![0]!)) return false;
  const [resource = "", subresource = ""] = part.resources![0]!.split("/");
  if (!matchesResource(rule.resources, resource, subresource)) return false;
  const name = part.resourceNames?.[0];
  return isEmpty(rule.resourceNames) || (name !== undefined && rule.resourceNames!.includes(name));
}

/** Rules about one thing each, those that differ in their verbs alone as one. */
export function compactRules(single: readonly PolicyRule[]): PolicyRule[] {
  const merged = new Map<string, PolicyRule>();
  for (const rule of single) {
    const { verbs, ...rest } = rule;
    const key = JSON.stringify(rest);
    const before = merged.get(key);
    merged.set(key, before ? { ...before, verbs: [...before.verbs, ...verbs] } : rule);
  }
  return [...merged.values()];
}

/** `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get" "list"]}`, as Go prints it. */
export function describeRule(rule: PolicyRule): string {
  const fields: [string, readonly string[] | undefined][] = [
    ["APIGroups", rule.apiGroups],
    ["Resources", rule.resources],
    ["NonResourceURLs", rule.nonResourceURLs],
    ["ResourceNames", rule.resourceNames],
    ["Verbs", rule.verbs],
  ];
  const said = fields
    .filter(([, values]) => !isEmpty(values))
    .map(([name, values]) => `${name}:${quotedList(values!)}`);
  return `{${said.join(", ")}}`;
}

/** `["a" "b"]`: Go's %q of a slice. */
export function quotedList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(" ")}]`;
}
