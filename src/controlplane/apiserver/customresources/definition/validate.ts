/** What is wrong with a definition (apiextensions-apiserver/pkg/apis/apiextensions/validation). */
import type { Causes } from "../../validation/causes.ts";
import { validateImmutable } from "../../validation/common.ts";
import { dns1035Label, dns1123Subdomain } from "../../validation/names.ts";
import { isTrue, type Definition, type DefinitionSpec, type Names } from "./definition.ts";
import { validateVersion } from "./validate_version.ts";

export function validateDefinition(definition: Definition, out: Causes): void {
  const { metadata, spec } = definition;
  const wanted = `${spec.names?.plural ?? ""}.${spec.group ?? ""}`;
  if (metadata.name !== wanted) {
    out.invalid("metadata.name", metadata.name ?? "", `must be spec.names.plural+"."+spec.group`);
  }
  validateApproval(definition, out);
  validateSpec(spec, out);
}

export function validateDefinitionUpdate(
  definition: Definition,
  old: Definition,
  subresource: string,
  out: Causes,
): void {
  validateStoredVersions(definition, out);
  if (subresource === "status") return;
  const { spec } = definition;
  validateSpec(spec, out);
  if (isTrue(old, "Established")) {
    validateImmutable(spec.scope, old.spec.scope, "spec.scope", out);
    validateImmutable(spec.names?.kind, old.spec.names.kind, "spec.names.kind", out);
  }
  validateImmutable(spec.group, old.spec.group, "spec.group", out);
  validateImmutable(spec.names?.plural, old.spec.names.plural, "spec.names.plural", out);
}

function validateStoredVersions({ status, spec }: Definition, out: Causes): void {
  const names = (spec.versions ?? []).map(({ name }) => name);
  const path = "status.storedVersions";
  const stored = status?.storedVersions ?? [];
  if (stored.length === 0) out.invalid(path, stored, "must have at least one stored version");
  stored.forEach((name, i) => {
    if (names.includes(name)) return;
    const words = `missing from spec.versions; ${name} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${name} and removes ${name} from status.storedVersions`;
    out.invalid(`${path}[${i}]`, name, words);
  });
}

const approvalAnnotation = "api-approved.kubernetes.io";
const approvalPage = "https://github.com/kubernetes/enhancements/pull/1111";

/** Groups of the project are not for everyone (KEP-1111). */
function validateApproval({ metadata, spec }: Definition, out: Causes): void {
  const group = spec.group ?? "";
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(group)) return;
  const path = `metadata.annotations[${approvalAnnotation}]`;
  const approval = metadata.annotations?.[approvalAnnotation] ?? "";
  const must = `protected groups must have approval annotation "${approvalAnnotation}"`;
  if (approval === "") out.required(path, `${must}, see ${approvalPage}`);
  else if (!approval.startsWith("unapproved") && !URL.canParse(approval)) {
    out.invalid(
      path,
      approval,
      `${must} with either a URL or a reason starting with "unapproved", see ${approvalPage}`,
    );
  }
}

function validateSpec(spec: DefinitionSpec, out: Causes): void {
  validateGroup(spec.group ?? "", out);
  if (!spec.scope) out.required("spec.scope");
  else if (spec.scope !== "Cluster" && spec.scope !== "Namespaced") {
    out.notSupported("spec.scope", spec.scope, ["Cluster", "Namespaced"]);
  }
  validateNames(spec.names ?? {}, out);
  validateVersions(spec, out);
  if (spec.preserveUnknownFields === true) {
    const words =
      "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
    out.invalid("spec.preserveUnknownFields", true, words);
  }
  validateConversion(spec.conversion, out);
}

function validateGroup(group: string, out: Causes): void {
  if (group === "") return out.required("spec.group");
  const wrong = dns1123Subdomain(group);
  if (wrong.length > 0) out.invalid("spec.group", group, wrong.join(","));
  else if (!group.includes(".")) out.invalid("spec.group", group, "should be a domain with at least one dot");
}

function validateNames(names: Partial<Names>, out: Causes): void {
  for (const field of ["plural", "singular", "kind", "listKind"] as const) {
    const value = names[field] ?? "";
    const path = `spec.names.${field}`;
    if (value === "") out.required(path);
    else if (field === "plural" || field === "singular") validateLabel(value, path, out);
    else {
      const wrong = dns1035Label(value.toLowerCase());
      const words = `may have mixed case, but should otherwise match: ${wrong.join(",")}`;
      if (wrong.length > 0) out.invalid(path, value, words);
    }
  }
  for (const field of ["shortNames", "categories"] as const) {
    names[field]?.forEach((name, i) => validateLabel(name, `spec.names.${field}[${i}]`, out));
  }
  if (names.kind && names.kind === names.listKind) {
    out.invalid("spec.names.listKind", names.listKind, "kind and listKind may not be the same");
  }
}

function validateLabel(value: string, path: string, out: Causes): void {
  const wrong = dns1035Label(value);
  if (wrong.length > 0) out.invalid(path, value, wrong.join(","));
}

function validateVersions(spec: DefinitionSpec, out: Causes): void {
  const versions = spec.versions ?? [];
  const path = "spec.versions";
  const names = versions.map(({ name }) => name);
  if (new Set(names).size !== names.length) out.invalid(path, names, "must contain unique version names");
  const stored = versions.filter(({ storage }) => storage);
  if (stored.length !== 1) {
    out.invalid(
      path,
      stored.map(({ name }) => name),
      "must have exactly one version marked as storage version",
    );
  }
  versions.forEach((version, i) => validateVersion(version, `${path}[${i}]`, out));
}

/** Webhooks are not called: a definition that needs one is refused rather than half served. */
function validateConversion(conversion: DefinitionSpec["conversion"], out: Causes): void {
  const strategy = conversion?.strategy ?? "";
  const path = "spec.conversion";
  if (strategy === "") out.required(`${path}.strategy`);
  else if (strategy !== "None") out.notSupported(`${path}.strategy`, strategy, ["None"]);
  else if (conversion?.webhook !== undefined) {
    out.forbidden(`${path}.webhook`, "should not be set when strategy is not set to Webhook");
  }
}
