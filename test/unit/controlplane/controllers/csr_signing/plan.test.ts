/** What is signed, and for how long; cases as upstream's signer has them. */
import { describe, expect, it } from "vitest";
import { isToSign, termsOf } from "../../../../../src/controlplane/controllers/csr_signing/plan.ts";
import { isStale } from "../../../../../src/controlplane/controllers/csr_cleaner/plan.ts";
import type { CertificateSigningRequest } from "../../../../../src/model/kubernetes.ts";

const created = "2026-01-01T00:00:00Z";
const hour = 3_600_000;

function request(
  spec: Partial<CertificateSigningRequest["spec"]> = {},
  status: CertificateSigningRequest["status"] = { conditions: [{ type: "Approved", status: "True" }] },
): CertificateSigningRequest {
  return {
    apiVersion: "certificates.k8s.io/v1",
    kind: "CertificateSigningRequest",
    metadata: { name: "r", uid: "u", resourceVersion: "1", creationTimestamp: created },
    spec: { request: "", signerName: "kubernetes.io/kubelet-serving", usages: ["server auth"], ...spec },
    status,
  };
}

describe("isToSign", () => {
  const approved = { type: "Approved", status: "True" };
  it.each<[string, CertificateSigningRequest, boolean]>([
    ["approved", request(), true],
    ["undecided", request({}, {}), false],
    ["denied", request({}, { conditions: [{ type: "Denied", status: "True" }] }), false],
    ["failed", request({}, { conditions: [approved, { type: "Failed", status: "True" }] }), false],
    ["signed already", request({}, { conditions: [approved], certificate: "x" }), false],
    ["another's signer", request({ signerName: "example.com/signer" }), false],
    ...["kube-apiserver-client", "kube-apiserver-client-kubelet", "legacy-unknown"].map(
      (name): [string, CertificateSigningRequest, boolean] => [
        name,
        request({ signerName: `kubernetes.io/${name}` }),
        true,
      ],
    ),
  ])("%s", (_, object, expected) => expect(isToSign(object)).toBe(expected));
});

describe("termsOf", () => {
  const now = Date.parse(created);
  const backdated = 5 * 60_000;
  it.each<[string, number | undefined, number, number]>([
    ["the longest by default", undefined, 24 * hour, 24 * hour - backdated],
    ["what was asked for", 12 * 3600, 24 * hour, 12 * hour - backdated],
    ["no longer than the longest", 48 * 3600, 24 * hour, 24 * hour - backdated],
    ["no shorter than ten minutes", 1, 24 * hour, 600_000],
    ["a short one lives its whole time", 3600, 24 * hour, hour],
  ])("%s", (_, expirationSeconds, longest, expected) => {
    const asked = expirationSeconds === undefined ? {} : { expirationSeconds };
    const terms = termsOf(request(asked), longest, now);
    expect(terms).toEqual({ usages: ["server auth"], fromMs: now - backdated, toMs: now + expected });
  });
});

describe("isStale", () => {
  const at = (type: string, ms: number) => ({
    conditions: [{ type, status: "True", lastUpdateTime: new Date(Date.parse(created) + ms).toISOString() }],
  });
  it.each<[string, CertificateSigningRequest, number | undefined, number, boolean]>([
    ["pending for a day", request({}, {}), undefined, 24 * hour, false],
    ["pending for longer", request({}, {}), undefined, 24 * hour + 1, true],
    ["denied an hour ago", request({}, at("Denied", 0)), undefined, hour + 1, true],
    ["denied just now", request({}, at("Denied", 0)), undefined, hour, false],
    ["failed an hour ago", request({}, at("Failed", 0)), undefined, hour + 1, true],
    ["approved, not signed", request({}, at("Approved", 0)), undefined, 20 * hour, false],
    ["signed an hour ago", request({}, { ...at("Approved", 0), certificate: "x" }), undefined, hour + 1, true],
    ["signed just now", request({}, { ...at("Approved", 0), certificate: "x" }), undefined, hour, false],
    [
      "its certificate has ended",
      request({}, { ...at("Approved", hour), certificate: "x" }),
      Date.parse(created),
      hour,
      true,
    ],
  ])("%s", (_, object, notAfter, ms, expected) => {
    expect(isStale(object, notAfter, Date.parse(created) + ms)).toBe(expected);
  });
});
