/** Which requests kubelets' certificates are approved for, where who asks may have one (upstream: pkg/controller/certificates/approver). Pure. */
import type { CertificateSigningRequest } from "../../../model/kubernetes.ts";
import { timestamp } from "../../../model/timestamp.ts";
import type { RequestedCertificate } from "../../../model/certificate.ts";
import { notKubeletClient } from "./recognize.ts";

export const kubeletClientSigner = "kubernetes.io/kube-apiserver-client-kubelet";

export interface Permission {
  /** Of certificatesigningrequests: who may create it gets the certificate. */
  readonly subresource: "selfnodeclient" | "nodeclient";
  readonly message: string;
}

const self: Permission = {
  subresource: "selfnodeclient",
  message: "Auto approving self kubelet client certificate after SubjectAccessReview.",
};
const any: Permission = {
  subresource: "nodeclient",
  message: "Auto approving kubelet client certificate after SubjectAccessReview.",
};

/** Whether nobody has decided yet. */
export function isUndecided({ status }: CertificateSigningRequest): boolean {
  if (status?.certificate) return false;
  return !status?.conditions?.some(({ type }) => type === "Approved" || type === "Denied");
}

/** Whether it is of the one kind that may be approved without a person; who asks is looked at next. */
export function mayBeOurs(request: CertificateSigningRequest): boolean {
  return request.spec.signerName === kubeletClientSigner && isUndecided(request);
}

/** @returns what to ask about who asks, in order; the first that is allowed approves */
export function permissionsFor(
  { spec }: CertificateSigningRequest,
  requested: RequestedCertificate,
): readonly Permission[] {
  if (notKubeletClient(requested, spec.usages ?? []) !== undefined) return [];
  return spec.username === requested.commonName ? [self, any] : [any];
}

/** The question, as a SubjectAccessReview's spec. */
export function reviewOf({ spec }: CertificateSigningRequest, { subresource }: Permission) {
  const { username, uid, groups, extra } = spec;
  return {
    ...(username === undefined ? {} : { user: username }),
    ...(uid === undefined ? {} : { uid }),
    ...(groups === undefined ? {} : { groups }),
    ...(extra === undefined ? {} : { extra }),
    resourceAttributes: {
      group: "certificates.k8s.io",
      resource: "certificatesigningrequests",
      verb: "create",
      subresource,
      version: "*",
    },
  };
}

export function approved(
  request: CertificateSigningRequest,
  { message }: Permission,
  nowMs: number,
): CertificateSigningRequest {
  const condition = {
    type: "Approved",
    status: "True",
    reason: "AutoApproved",
    message,
    lastUpdateTime: timestamp(nowMs),
    lastTransitionTime: timestamp(nowMs),
  };
  return { ...request, status: { ...request.status, conditions: [...(request.status?.conditions ?? []), condition] } };
}
