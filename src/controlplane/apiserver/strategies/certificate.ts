/**
 * CertificateSigningRequests (pkg/apis/certificates). Who asks (spec.username, groups, uid, extra) is
 * written by whoever knows the requester, in admission; here the request itself is checked, and kept.
 */
import type { V1CertificateSigningRequestSpec, V1CertificateSigningRequestStatus } from "@kubernetes/client-node";
import type { ApiObject, Strategy } from "../resources/resource.ts";
import { timestamp } from "../../../model/timestamp.ts";
import { causesOf, type Causes } from "../validation/causes.ts";
import { requestError } from "../validation/certificate_request.ts";
import { ensurePart, partOf, type Json } from "../validation/json.ts";
import { dns1123Subdomain } from "../validation/names.ts";

type Spec = Json<V1CertificateSigningRequestSpec>;
type Condition = NonNullable<Json<V1CertificateSigningRequestStatus>["conditions"]>[number];
const specOf = (object: ApiObject): Spec => partOf<V1CertificateSigningRequestSpec>(object, "spec");
const conditionsOf = (object: ApiObject): Condition[] =>
  partOf<V1CertificateSigningRequestStatus>(object, "status").conditions ?? [];

const usages: readonly string[] = [
  "any",
  "cert sign",
  "client auth",
  "code signing",
  "content commitment",
  "crl sign",
  "data encipherment",
  "decipher only",
  "digital signature",
  "email protection",
  "encipher only",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "key agreement",
  "key encipherment",
  "microsoft sgc",
  "netscape sgc",
  "ocsp signing",
  "s/mime",
  "server auth",
  "signing",
  "timestamping",
];
/** Ten minutes. */
const minSeconds = 600;

export const certificateSigningRequest: Strategy = {
  defaults(object) {
    const spec = ensurePart<V1CertificateSigningRequestSpec>(object, "spec");
    spec.usages ??= ["digital signature", "key encipherment"];
  },

  prepareCreate(object) {
    object["status"] = {};
  },

  prepareUpdate(object, old, subresource) {
    // A request stays what was asked for; approval and certificate come through their subresources.
    object["spec"] = old["spec"];
    if (subresource === "approval") {
      const status = { ...(old["status"] as object | undefined) };
      const conditions = (object["status"] as { conditions?: unknown } | undefined)?.conditions;
      object["status"] = conditions === undefined ? status : { ...status, conditions };
    }
    if (subresource !== "") noteTimes(object, old);
  },

  validateCreate: (object) => causesOf((out) => validateRequest(specOf(object), out)),

  validateUpdate(object, old, subresource) {
    return causesOf((out) => {
      validateConditions(conditionsOf(object), out);
      for (const type of ["Approved", "Denied", "Failed"]) validateKept(object, old, type, subresource, out);
      const after = partOf<V1CertificateSigningRequestStatus>(object, "status").certificate;
      const before = partOf<V1CertificateSigningRequestStatus>(old, "status").certificate;
      if (before && after !== before)
        out.forbidden("status.certificate", "updates may not modify existing certificate content");
      if (after && after !== before) validateCertificate(after, out);
    });
  },
};

/** When a condition came, and when its status changed, where the client says nothing of it. */
function noteTimes(object: ApiObject, old: ApiObject): void {
  const now = timestamp(Date.now());
  for (const condition of conditionsOf(object)) {
    condition.lastUpdateTime ??= now;
    const before = conditionsOf(old).find(({ type }) => type === condition.type);
    if (!condition.lastTransitionTime) {
      condition.lastTransitionTime = (before?.status === condition.status && before?.lastTransitionTime) || now;
    }
  }
}

function validateRequest(spec: Spec, out: Causes): void {
  const error = requestError(Buffer.from(spec.request ?? "", "base64").toString());
  if (error !== undefined) out.invalid("spec.request", spec.request ?? "", error);
  const wanted = spec.usages ?? [];
  if (wanted.length === 0) out.required("spec.usages");
  for (const [i, usage] of wanted.entries()) {
    if (!usages.includes(usage)) out.notSupported(`spec.usages[${i}]`, usage, usages);
    if (wanted.indexOf(usage) < i) out.duplicate(`spec.usages[${i}]`, usage);
  }
  validateSigner(spec.signerName ?? "", out);
  const seconds = spec.expirationSeconds;
  if (seconds !== undefined && seconds < minSeconds) {
    out.invalid("spec.expirationSeconds", seconds, "may not specify a duration less than 600 seconds (10 minutes)");
  }
}

const maxSigner = 571;

function validateSigner(name: string, out: Causes): void {
  const path = "spec.signerName";
  if (name === "") return out.required(path);
  const [domain = "", rest, ...more] = name.split("/");
  if (rest === undefined || more.length > 0) {
    return out.invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
  }
  out.invalidEach(path, domain, dns1123Subdomain(domain));
  if (!domain.includes("."))
    out.invalid(path, domain, "should be a domain with at least two segments separated by dots");
  if (rest === "") {
    return out.invalid(path, name, "validation error: signer name path must not be empty");
  }
  out.invalidEach(path, rest, dns1123Subdomain(rest));
  if (name.length > maxSigner) out.tooLong(path, maxSigner);
}

const conditionTypes: readonly string[] = ["Approved", "Denied", "Failed"];

function validateConditions(conditions: readonly Condition[], out: Causes): void {
  const seen = new Set<string>();
  for (const [i, { type = "", status = "" }] of conditions.entries()) {
    const path = `status.conditions[${i}]`;
    if (type === "") out.required(`${path}.type`);
    else if (conditionTypes.includes(type)) {
      if (status === "") out.required(`${path}.status`);
      else if (status !== "True") out.notSupported(`${path}.status`, status, ["True"]);
      const contrary = type === "Approved" ? "Denied" : "Approved";
      if (type !== "Failed" && seen.has(contrary)) {
        out.invalid(`${path}.type`, type, "Approved and Denied conditions are mutually exclusive");
      }
    } else out.enum(`${path}.status`, status, ["True", "False", "Unknown"]);
    if (seen.has(type)) out.duplicate(`${path}.type`, type);
    seen.add(type);
  }
}

/** What was decided stays decided; only an approval decides. */
function validateKept(object: ApiObject, old: ApiObject, type: string, subresource: string, out: Causes): void {
  const has = (one: ApiObject): boolean => conditionsOf(one).some((condition) => condition.type === type);
  if (has(old) && !has(object))
    out.forbidden("status.conditions", `updates may not remove a condition of type "${type}"`);
  if (!has(old) && has(object) && type !== "Failed" && subresource === "status") {
    out.forbidden("status.conditions", `updates may not add a condition of type "${type}"`);
  }
}

function validateCertificate(certificate: string, out: Causes): void {
  const text = Buffer.from(certificate, "base64").toString();
  if (/-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----/.test(text)) return;
  out.invalid("status.certificate", "<certificate data>", "must contain at least one CERTIFICATE PEM block");
}
