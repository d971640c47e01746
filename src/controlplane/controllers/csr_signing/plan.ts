/** Which approved requests are signed, and for how long (upstream: pkg/controller/certificates/signer). Pure. */
import type { CertificateSigningRequest } from "../../../model/kubernetes.ts";
import { timestamp } from "../../../model/timestamp.ts";
import type { CertificateTerms, RequestedCertificate } from "../../../model/certificate.ts";
import { notApiClient, notKubeletClient, notKubeletServing } from "../csr_approving/recognize.ts";

type Check = (request: RequestedCertificate, usages: readonly string[]) => string | undefined;

/** By signer: what its requests must be. The oldest one takes whatever was approved. */
const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["kubernetes.io/kube-apiserver-client", (_, usages) => notApiClient(usages)],
  ["kubernetes.io/kube-apiserver-client-kubelet", notKubeletClient],
  ["kubernetes.io/kubelet-serving", notKubeletServing],
  ["kubernetes.io/legacy-unknown", () => undefined],
]);

/** Clocks of others may be behind ours. */
const backdatedMs = 5 * 60 * 1000;
/** Certificates that live shorter have their full time from now on. */
const shortMs = 8 * 60 * 60 * 1000;
const shortestMs = 10 * 60 * 1000;

export function isToSign({ spec, status }: CertificateSigningRequest): boolean {
  if (!checks.has(spec.signerName) || status?.certificate) return false;
  const isTrue = (type: string): boolean =>
    status?.conditions?.some((one) => one.type === type && one.status === "True") ?? false;
  return isTrue("Approved") && !isTrue("Denied") && !isTrue("Failed");
}

/** @returns why the signer refuses what was approved, or undefined */
export function refusal({ spec }: CertificateSigningRequest, requested: RequestedCertificate): string | undefined {
  return checks.get(spec.signerName)!(requested, spec.usages ?? []);
}

/** @param longestMs --cluster-signing-duration */
export function termsOf({ spec }: CertificateSigningRequest, longestMs: number, nowMs: number): CertificateTerms {
  const lifeMs = lifeOf(spec.expirationSeconds, longestMs);
  const fromMs = nowMs - backdatedMs;
  return { usages: spec.usages ?? [], fromMs, toMs: lifeMs < shortMs ? nowMs + lifeMs : fromMs + lifeMs };
}

function lifeOf(seconds: number | undefined, longestMs: number): number {
  if (seconds === undefined || seconds * 1000 > longestMs) return longestMs;
  return Math.max(shortestMs, seconds * 1000);
}

/** @param certificate PEM */
export function signed(request: CertificateSigningRequest, certificate: string): CertificateSigningRequest {
  return { ...request, status: { ...request.status, certificate: base64(certificate) } };
}

/** The request with a condition that says that it will never be signed. */
export function failed(request: CertificateSigningRequest, message: string, nowMs: number): CertificateSigningRequest {
  const time = timestamp(nowMs);
  const condition = {
    type: "Failed",
    status: "True",
    reason: "SignerValidationFailure",
    message,
    lastUpdateTime: time,
    lastTransitionTime: time,
  };
  return { ...request, status: { ...request.status, conditions: [...(request.status?.conditions ?? []), condition] } };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
