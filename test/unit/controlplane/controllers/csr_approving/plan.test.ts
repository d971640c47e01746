/** Which requests are recognized, and what is asked about who asks; cases as upstream's helpers and approver have them. */
import { describe, expect, it } from "vitest";
import type { RequestedCertificate } from "../../../../../src/model/certificate.ts";
import {
  approved,
  mayBeOurs,
  permissionsFor,
  reviewOf,
} from "../../../../../src/controlplane/controllers/csr_approving/plan.ts";
import {
  notApiClient,
  notKubeletClient,
  notKubeletServing,
} from "../../../../../src/controlplane/controllers/csr_approving/recognize.ts";
import type { CertificateSigningRequest } from "../../../../../src/model/kubernetes.ts";

const asked = (over: Partial<RequestedCertificate> = {}): RequestedCertificate => ({
  commonName: "system:node:a",
  organizations: ["system:nodes"],
  dnsNames: [],
  emailAddresses: [],
  ipAddresses: [],
  uris: [],
  ...over,
});
const client = ["client auth", "digital signature", "key encipherment"];
const serving = ["server auth", "digital signature", "key encipherment"];

describe("a kubelet's client certificate", () => {
  it.each<[string, Partial<RequestedCertificate>, readonly string[], string | undefined]>([
    ["as it is", {}, client, undefined],
    ["without encipherment", {}, ["client auth", "digital signature"], undefined],
    ["in another order", {}, [...client].reverse(), undefined],
    ["usages for a server", {}, serving, "usages did not match [client auth digital signature key encipherment]"],
    ["too few usages", {}, ["client auth"], "usages did not match [client auth digital signature key encipherment]"],
    ["another organization", { organizations: ["x"] }, client, "subject organization is not system:nodes"],
    ["a second one", { organizations: ["system:nodes", "x"] }, client, "subject organization is not system:nodes"],
    ["another name", { commonName: "a" }, client, "subject common name does not begin with system:node:"],
    ["DNS", { dnsNames: ["a"] }, client, "DNS subjectAltNames are not allowed"],
    ["email", { emailAddresses: ["a@b"] }, client, "Email subjectAltNames are not allowed"],
    ["addresses", { ipAddresses: ["10.0.0.1"] }, client, "IP subjectAltNames are not allowed"],
    ["URIs", { uris: ["https://a"] }, client, "URI subjectAltNames are not allowed"],
  ])("%s", (_, over, usages, expected) => expect(notKubeletClient(asked(over), usages)).toBe(expected));
});

describe("a kubelet's serving certificate", () => {
  const dnsNames = ["a"];
  it.each<[string, Partial<RequestedCertificate>, readonly string[], string | undefined]>([
    ["with a name", { dnsNames }, serving, undefined],
    ["with an address", { ipAddresses: ["10.0.0.1"] }, ["server auth", "digital signature"], undefined],
    ["with neither", {}, serving, "DNS or IP subjectAltName is required"],
    [
      "usages for a client",
      { dnsNames },
      client,
      "usages did not match [digital signature key encipherment server auth]",
    ],
    ["another name", { dnsNames, commonName: "a" }, serving, "subject common name does not begin with system:node:"],
    ["another organization", { dnsNames, organizations: [] }, serving, "subject organization is not system:nodes"],
    ["email", { dnsNames, emailAddresses: ["a@b"] }, serving, "Email subjectAltNames are not allowed"],
    ["URIs", { dnsNames, uris: ["https://a"] }, serving, "URI subjectAltNames are not allowed"],
  ])("%s", (_, over, usages, expected) => expect(notKubeletServing(asked(over), usages)).toBe(expected));
});

describe("an API client's certificate", () => {
  it.each([
    [["client auth"], undefined],
    [client, undefined],
    [["digital signature"], "missing required usage for client certificate: client auth"],
    [["client auth", "server auth"], "invalid usage for client certificate: server auth"],
  ])("%s", (usages, expected) => expect(notApiClient(usages)).toBe(expected));
});

function request(over: Partial<CertificateSigningRequest["spec"]> = {}, status = {}): CertificateSigningRequest {
  return {
    apiVersion: "certificates.k8s.io/v1",
    kind: "CertificateSigningRequest",
    metadata: { name: "r", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: {
      request: "",
      signerName: "kubernetes.io/kube-apiserver-client-kubelet",
      username: "system:node:a",
      groups: ["system:nodes"],
      usages: client,
      ...over,
    },
    status,
  };
}

describe("who asks", () => {
  it.each<[string, CertificateSigningRequest, boolean]>([
    ["ours", request(), true],
    ["another signer's", request({ signerName: "kubernetes.io/kubelet-serving" }), false],
    ["approved", request({}, { conditions: [{ type: "Approved", status: "True" }] }), false],
    ["denied", request({}, { conditions: [{ type: "Denied", status: "True" }] }), false],
    ["signed", request({}, { certificate: "x" }), false],
  ])("%s", (_, object, expected) => expect(mayBeOurs(object)).toBe(expected));

  it("may renew its own certificate, or make one for any node", () => {
    const of = (object: CertificateSigningRequest) => permissionsFor(object, asked()).map((one) => one.subresource);
    expect(of(request())).toEqual(["selfnodeclient", "nodeclient"]);
    expect(of(request({ username: "system:bootstrap:abcdef" }))).toEqual(["nodeclient"]);
    expect(of(request({ usages: serving }))).toEqual([]);
  });

  it("is asked about in its own name", () => {
    const [permission] = permissionsFor(request({ username: "jane" }), asked());
    expect(reviewOf(request({ username: "jane", uid: "7", extra: { a: ["b"] } }), permission!)).toEqual({
      user: "jane",
      uid: "7",
      groups: ["system:nodes"],
      extra: { a: ["b"] },
      resourceAttributes: {
        group: "certificates.k8s.io",
        resource: "certificatesigningrequests",
        verb: "create",
        subresource: "nodeclient",
        version: "*",
      },
    });
  });

  it("reads why it was approved", () => {
    const [permission] = permissionsFor(request(), asked());
    expect(approved(request(), permission!, Date.parse("2026-01-02T00:00:00Z")).status?.conditions).toEqual([
      {
        type: "Approved",
        status: "True",
        reason: "AutoApproved",
        message: "Auto approving self kubelet client certificate after SubjectAccessReview.",
        lastUpdateTime: "2026-01-02T00:00:00Z",
        lastTransitionTime: "2026-01-02T00:00:00Z",
      },
    ]);
  });
});
