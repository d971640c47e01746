/** Requests for certificates on the real API server: approved where who asks may, signed, and cleaned up. */
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../../../../src/api/resource_types.ts";
import { LoopbackClient } from "../../../../../src/controlplane/apiserver/loopback/client.ts";
import { csrApprovingController } from "../../../../../src/controlplane/controllers/csr_approving/csr_approving.ts";
import { csrCleanerController } from "../../../../../src/controlplane/controllers/csr_cleaner/csr_cleaner.ts";
import { csrSigningController } from "../../../../../src/controlplane/controllers/csr_signing/csr_signing.ts";
import type { CertificateSigningRequest } from "../../../../../src/model/kubernetes.ts";
import { certificateRequest, type RequestNames } from "../../../../fixtures/certificate_request.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../../fixtures/control_plane.ts";
import { eventually } from "../../../../fixtures/eventually.ts";
import { FakeClock } from "../../../../fixtures/fake_clock.ts";

const { certificateSigningRequests } = resourceTypes;
const clock = new FakeClock(Date.now());
let plane: TestControlPlane;
beforeAll(async () => {
  plane = await startTestControlPlane({
    rows: [csrApprovingController, csrSigningController, csrCleanerController],
    clock,
    options: { clusterSigningDurationMs: 24 * 3_600_000 },
  });
}, 30_000);
afterAll(() => plane.stop());

const kubeletUsages = ["digital signature", "client auth"];
const kubelet: RequestNames = { commonName: "system:node:a", organizations: ["system:nodes"] };

async function ask(
  name: string,
  names: RequestNames,
  spec: Partial<CertificateSigningRequest["spec"]>,
  user?: { name: string; groups: string[] },
): Promise<void> {
  const { routes } = plane.api.server;
  const client = user ? new LoopbackClient(routes, { user, userAgent: "test" }) : plane.client;
  const request = await certificateRequest(names);
  await client.create(certificateSigningRequests, {
    metadata: { name },
    spec: { request, signerName: "kubernetes.io/kube-apiserver-client-kubelet", usages: kubeletUsages, ...spec },
  });
}
const read = (name: string) => plane.client.get(certificateSigningRequests, { name });
async function signed(name: string): Promise<X509Certificate> {
  const encoded = await eventually(
    `certificate of ${name}`,
    async () => (await read(name)).status?.certificate,
    20_000,
  );
  return new X509Certificate(Buffer.from(encoded, "base64"));
}
async function approve(name: string): Promise<void> {
  const request = await read(name);
  const conditions = [{ type: "Approved", status: "True", reason: "Test", message: "" }];
  const object = { ...request, status: { ...request.status, conditions } };
  await plane.client.update(certificateSigningRequests, object, { subresource: "approval" });
}

describe("a kubelet's own request", () => {
  it("is approved and signed by the cluster's authority", async () => {
    await ask(
      "self",
      kubelet,
      { expirationSeconds: 3600 },
      { name: "system:node:a", groups: ["system:nodes", "system:masters"] },
    );
    const certificate = await signed("self");
    expect(certificate.verify(new X509Certificate(plane.api.pki.authorityCertificate).publicKey)).toBe(true);
    expect(certificate.subject).toBe("O=system:nodes\nCN=system:node:a");
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
    expect(certificate.ca).toBe(false);
    const life = Date.parse(certificate.validTo) - Date.parse(certificate.validFrom);
    expect(life).toBe(3_600_000 + 300_000);
    expect((await read("self")).status?.conditions?.[0]).toMatchObject({ type: "Approved", reason: "AutoApproved" });
  }, 30_000);

  it("of somebody who may not have one waits for a person", async () => {
    await ask("stranger", kubelet, {}, { name: "jane", groups: ["system:authenticated"] });
    await ask("after", kubelet, {}, { name: "system:node:a", groups: ["system:masters"] });
    await signed("after");
    expect((await read("stranger")).status?.conditions ?? []).toEqual([]);
  }, 30_000);
});

describe("an approved request", () => {
  it("for a serving certificate keeps its names", async () => {
    const names = { ...kubelet, dns: ["a", "a.example.com"], ip: ["10.0.0.1", "fd00::1"] };
    const usages = ["digital signature", "server auth"];
    await ask("serving", names, { signerName: "kubernetes.io/kubelet-serving", usages });
    await approve("serving");
    const certificate = await signed("serving");
    expect(certificate.subjectAltName).toBe(
      "DNS:a, DNS:a.example.com, IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1",
    );
    const life = Date.parse(certificate.validTo) - Date.parse(certificate.validFrom);
    expect(life).toBe(24 * 3_600_000);
  }, 30_000);

  it("that the signer does not take fails", async () => {
    const signerName = "kubernetes.io/kube-apiserver-client";
    await ask("wrong", { commonName: "jane" }, { signerName, usages: ["client auth", "server auth"] });
    await approve("wrong");
    const failed = await eventually("the failure", async () => (await read("wrong")).status?.conditions?.[1]);
    expect(failed).toMatchObject({
      type: "Failed",
      reason: "SignerValidationFailure",
      message: "invalid usage for client certificate: server auth",
    });
    expect((await read("wrong")).status?.certificate).toBeUndefined();
  }, 30_000);

  it("goes when it is of no use any more", async () => {
    await ask("old", { commonName: "jane" }, { signerName: "example.com/other", usages: ["client auth"] });
    await eventually("the cleaner's look", () => clock.waiting > 0);
    for (let i = 0; i < 26; i++) {
      clock.advance(3_600_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await eventually("the end", async () => (await plane.client.list(certificateSigningRequests)).items.length === 0);
  }, 30_000);
});
