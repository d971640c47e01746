/** metadata of any object: names, labels, annotations, owners, finalizers (apimachinery/pkg/api/validation). */
import type { ApiObject, ManagedFieldsEntry, ObjectMeta, OwnerReference, Resource } from "../resources/resource.ts";
import type { Cause } from "../status.ts";
import { Causes, causesOf } from "./causes.ts";
import { fieldImmutable } from "./common.ts";
import { canonicalIp, familyOf } from "./ip.ts";
import { validateAnnotations, validateLabels } from "./labels.ts";
import { dns1035Label, dns1123Label, dns1123Subdomain, pathSegment, qualifiedName, type NameCheck } from "./names.ts";

const anyName: NameCheck = () => [];

/** The controller appends 11 characters, and its Jobs' names must fit a label. */
const cronJobName: NameCheck = (name) =>
  name.length > 52 ? [...dns1123Subdomain(name), "must be no more than 52 characters"] : dns1123Subdomain(name);

const addressName: NameCheck = (name) => {
  if (!familyOf(name)) return ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"];
  const canonical = canonicalIp(name)!;
  return canonical === name ? [] : [`must be in canonical form ("${canonical}")`];
};

/** Names' forms, by kind, where they are not DNS subdomains. */
const nameChecks: Readonly<Record<string, NameCheck>> = {
  "/Namespace": dns1123Label,
  "/Service": dns1035Label,
  "apps/StatefulSet": dns1123Label,
  "batch/CronJob": cronJobName,
  "certificates.k8s.io/CertificateSigningRequest": anyName,
  "networking.k8s.io/IPAddress": addressName,
  "rbac.authorization.k8s.io/ClusterRole": pathSegment,
  "rbac.authorization.k8s.io/ClusterRoleBinding": pathSegment,
  "rbac.authorization.k8s.io/Role": pathSegment,
  "rbac.authorization.k8s.io/RoleBinding": pathSegment,
};

/** A cause on its own, for those who collect none. */
export function required(field: string, detail = ""): Cause {
  const out = new Causes();
  out.required(field, detail);
  return out.list[0]!;
}

export function invalidValue(field: string, value: unknown, detail: string): Cause {
  const out = new Causes();
  out.invalid(field, value, detail);
  return out.list[0]!;
}

/** Causes for which an object's metadata is refused; empty where it is right. */
export function validateMetadata(resource: Resource, object: ApiObject, old: ApiObject | undefined): Cause[] {
  const { metadata } = object;
  return causesOf((out) => {
    if (old) validateUpdate(metadata, old.metadata, out);
    else validateNames(resource, metadata, out);
    validateLabels(metadata.labels, "metadata.labels", out);
    validateAnnotations(metadata.annotations, "metadata.annotations", out);
    validateOwners(metadata.ownerReferences, out);
    validateFinalizers(metadata.finalizers ?? [], isOfKubernetes(resource), out);
    validateManagedFields(metadata.managedFields ?? [], out);
  });
}

function validateNames(resource: Resource, metadata: ObjectMeta, out: Causes): void {
  const check = nameChecks[`${resource.group}/${resource.kind}`] ?? dns1123Subdomain;
  const { name, generateName, namespace } = metadata;
  if (generateName) out.invalidEach("metadata.generateName", generateName, check(asPrefix(generateName)));
  if (!name) out.required("metadata.name", "name or generateName is required");
  else out.invalidEach("metadata.name", name, check(name));
  if (resource.namespaced) {
    if (!namespace) out.required("metadata.namespace");
    else out.invalidEach("metadata.namespace", namespace, dns1123Label(namespace));
  } else if (namespace) out.forbidden("metadata.namespace", "not allowed on this type");
}

/** The dash at the end of a prefix will have something behind it. */
function asPrefix(prefix: string): string {
  return prefix.length > 1 && prefix.endsWith("-") ? `${prefix.slice(0, -1)}a` : prefix;
}

function validateUpdate(metadata: ObjectMeta, old: ObjectMeta, out: Causes): void {
  if (metadata.name !== old.name) out.invalid("metadata.name", metadata.name ?? "", fieldImmutable);
  if (old.deletionTimestamp === undefined) return;
  const added = (metadata.finalizers ?? []).filter((finalizer) => !(old.finalizers ?? []).includes(finalizer));
  if (added.length === 0) return;
  const list = added.sort().map((finalizer) => JSON.stringify(finalizer));
  out.forbidden(
    "metadata.finalizers",
    `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list.join(", ")}}`,
  );
}

function validateOwners(owners: readonly OwnerReference[] | undefined, out: Causes): void {
  const path = "metadata.ownerReferences";
  let controller = "";
  for (const owner of owners ?? []) {
    if (!owner.apiVersion || owner.apiVersion.endsWith("/")) {
      out.invalid(`${path}.apiVersion`, owner.apiVersion ?? "", "version must not be empty");
    }
    for (const field of ["kind", "name", "uid"] as const) {
      if (!owner[field]) out.invalid(`${path}.${field}`, owner[field] ?? "", "must not be empty");
    }
    if (owner.apiVersion === "v1" && owner.kind === "Event") {
      out.invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner");
    }
    if (!owner.controller) continue;
    const name = `${owner.kind}/${owner.name}`;
    if (controller !== "") {
      const words = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`;
      out.invalid(path, owners, words);
    }
    controller ||= name;
  }
}

/** Those without a domain that are known. */
const standardFinalizers: readonly string[] = ["kubernetes", "orphan", "foregroundDeletion"];

/** One finalizer: `domain/name`, or one of the known. */
export function validateFinalizer(finalizer: string, path: string, out: Causes): void {
  out.invalidEach(path, finalizer, qualifiedName(finalizer));
  if (!finalizer.includes("/") && !standardFinalizers.includes(finalizer)) {
    out.invalid(path, finalizer, "name is neither a standard finalizer name nor is it fully qualified");
  }
}

/** Definitions and custom resources are not: their finalizers may be any qualified names. */
function isOfKubernetes({ group, versions }: Resource): boolean {
  return group !== "apiextensions.k8s.io" && versions[0].model !== "";
}

function validateFinalizers(finalizers: readonly string[], areOfKubernetes: boolean, out: Causes): void {
  const path = "metadata.finalizers";
  for (const finalizer of finalizers) {
    if (areOfKubernetes) validateFinalizer(finalizer, path, out);
    else out.invalidEach(path, finalizer, qualifiedName(finalizer));
  }
  if (finalizers.includes("orphan") && finalizers.includes("foregroundDeletion")) {
    out.invalid(path, finalizers, "finalizer orphan and foregroundDeletion cannot be both set");
  }
}

const maxManager = 128;

function validateManagedFields(entries: readonly ManagedFieldsEntry[], out: Causes): void {
  for (const [i, entry] of entries.entries()) {
    const path = `metadata.managedFields[${i}]`;
    if (entry.operation !== "Apply" && entry.operation !== "Update") {
      out.invalid(`${path}.operation`, entry.operation ?? "", "must be `Apply` or `Update`");
    }
    if (entry.fieldsType !== undefined && entry.fieldsType !== "FieldsV1") {
      out.invalid(`${path}.fieldsType`, entry.fieldsType, "must be `FieldsV1`");
    }
    if (Buffer.byteLength(entry.manager ?? "") > maxManager) out.tooLong(`${path}.manager`, maxManager);
  }
}
