/** Certificate signing requests: who asks, who may approve and sign, and what nobody may ask for. */
import { isDeepStrictEqual } from "node:util";
import type { Authorizer } from "../auth/authorizer.ts";
import { privilegedGroup } from "../auth/privileged.ts";
import { loadX509 } from "../certificates/x509.ts";
import type { User } from "../context.ts";
import type { ApiObject } from "../resources/resource.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import { isAbout, refused } from "./refusal.ts";

const group = "certificates.k8s.io";
const plural = "certificatesigningrequests";
const clientSigner = "kubernetes.io/kube-apiserver-client";

interface RequestSpec {
  signerName?: string;
  request?: string;
  username?: string;
  uid?: string;
  groups?: readonly string[];
  extra?: User["extra"];
}

interface RequestStatus {
  readonly certificate?: string;
  readonly conditions?: readonly { readonly type: string }[];
}

/** Notes who asks: what the request says of that itself counts for nothing. */
export const certificateRequestUser: AdmissionPlugin = {
  name: "CertificateRequestUser",
  admit(request: AdmissionRequest) {
    if (request.operation !== "CREATE" || !isAbout(request, group, plural)) return;
    const spec = specOf(request.object!);
    const { name, uid, groups, extra } = request.user;
    delete spec.uid;
    delete spec.extra;
    spec.username = name;
    spec.groups = [...groups];
    if (uid !== undefined) spec.uid = uid;
    if (extra && Object.keys(extra).length > 0) spec.extra = extra;
  },
};

/** CertificateApproval: the verb approve on the signer. */
export function certificateApproval(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: "CertificateApproval",
    async validate(request) {
      if (!isPart(request, "approval")) return;
      await checkSigner(authorizer, request, "approve");
    },
  };
}

/** CertificateSigning: the verb sign on the signer, for who sets a certificate or gives up. */
export function certificateSigning(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: "CertificateSigning",
    async validate(request) {
      if (!isPart(request, "status") || !request.object || !request.old) return;
      const [now, before] = [statusOf(request.object), statusOf(request.old)];
      const isSigned = now.certificate !== before.certificate;
      if (isSigned || !isDeepStrictEqual(failures(now), failures(before))) {
        await checkSigner(authorizer, request, "sign");
      }
    },
  };
}

/** CertificateSubjectRestriction: no client certificate makes somebody all-powerful. */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: "CertificateSubjectRestriction",
  async validate(request) {
    if (request.operation !== "CREATE" || !isAbout(request, group, plural)) return;
    const spec = specOf(request.object!);
    if (spec.signerName !== clientSigner) return;
    if (!(await organizationsOf(request, spec.request ?? "")).includes(privilegedGroup)) return;
    throw refused(request, `use of ${clientSigner} signer with ${privilegedGroup} group is not allowed`);
  },
};

/** @param encoded base64 of a PEM block */
async function organizationsOf(request: AdmissionRequest, encoded: string): Promise<string[]> {
  const { Pkcs10CertificateRequest } = await loadX509();
  try {
    return new Pkcs10CertificateRequest(Buffer.from(encoded, "base64").toString()).subjectName.getField("O");
  } catch (cause) {
    throw refused(request, `unable to parse certificate request: ${(cause as Error).message}`);
  }
}

/** Allowed by the signer's name, or by its domain: "example.com/*". */
async function checkSigner(authorizer: Authorizer, request: AdmissionRequest, verb: "approve" | "sign"): Promise<void> {
  const { signerName = "" } = specOf(request.old ?? request.object!);
  for (const name of [signerName, `${signerName.split("/")[0]!}/*`]) {
    const { decision } = await authorizer.authorize({
      user: request.user,
      verb,
      group,
      version: "*",
      resource: "signers",
      subresource: "",
      namespace: "",
      name,
    });
    if (decision === "allow") return;
  }
  throw refused(request, `user not permitted to ${verb} requests with signerName "${signerName}"`);
}

function isPart({ operation, resource, subresource }: AdmissionRequest, part: string): boolean {
  return operation === "UPDATE" && resource.group === group && resource.plural === plural && subresource === part;
}

function specOf(request: ApiObject): RequestSpec {
  return (request["spec"] ??= {});
}

function statusOf(request: ApiObject): RequestStatus {
  return request["status"] ?? {};
}

function failures({ conditions = [] }: RequestStatus): unknown[] {
  return conditions.filter(({ type }) => type === "Failed");
}
