/** The kubelet's certificates: when they are renewed, how they are kept, and how a running client takes a new one. */
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HttpClient } from "../../../src/api/http/http_client.ts";
import { issue, makeAuthority, type KeyPair } from "../../../src/controlplane/apiserver/certificates/x509.ts";
import { prepareKubeconfig } from "../../../src/kubelet/certificates/bootstrap.ts";
import { CertificateMetrics } from "../../../src/kubelet/certificates/metrics.ts";
import { clientTemplate, renewalMs, satisfies, servingTemplate } from "../../../src/kubelet/certificates/plan.ts";
import { CertificateStore, heldCertificate } from "../../../src/kubelet/certificates/store.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { writeTokenKubeconfig } from "../../fixtures/kubelet_kubeconfig.ts";

let folder: string;
let authority: KeyPair;
const hourMs = 3_600_000;
const nowMs = Date.parse("2026-01-02T03:04:05Z");

const made = (
  usage: "client" | "server",
  names: { dns: string[]; ip: string[] } = { dns: [], ip: [] },
): Promise<KeyPair> =>
  issue(
    authority,
    { commonName: "system:node:n1", organizations: ["system:nodes"], usage, names },
    { fromMs: Date.now() - hourMs, toMs: Date.now() + hourMs },
  );

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-certs-"));
  authority = await makeAuthority("test", { fromMs: Date.now() - 2 * hourMs, toMs: Date.now() + 2 * hourMs });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a certificate", () => {
  it("is renewed at 70 to 90 % of its life", async () => {
    const pair = await made("client");
    const one = heldCertificate(pair.certificate + pair.key);
    const life = one.notAfterMs - one.notBeforeMs;
    expect((renewalMs(one, 0) - one.notBeforeMs) / life).toBeCloseTo(0.7);
    expect((renewalMs(one, 1) - one.notBeforeMs) / life).toBeCloseTo(0.9);
  });

  it("of a server names the node's addresses, and is not asked for without one", () => {
    const addresses = [
      { type: "InternalIP", address: "192.0.2.2" },
      { type: "InternalIP", address: "2001:db8::1" },
      { type: "Hostname", address: "n1" },
      { type: "ExternalDNS", address: "n1.example" },
    ];
    expect(servingTemplate("n1", addresses)).toEqual({
      commonName: "system:node:n1",
      organizations: ["system:nodes"],
      names: { dns: ["n1", "n1.example"], ip: ["192.0.2.2", "2001:db8::1"] },
    });
    expect(servingTemplate("n1", addresses.slice(2))).toBeUndefined();
    expect(servingTemplate("n1", [])).toBeUndefined();
  });

  it("is another's, or lacks an address: then it is not what is asked for", async () => {
    const pair = await made("server", { dns: ["n1"], ip: ["192.0.2.2", "2001:db8::1"] });
    const one = heldCertificate(pair.certificate + pair.key);
    const template = (ip: string[]) =>
      servingTemplate("n1", [
        { type: "Hostname", address: "n1" },
        ...ip.map((address) => ({ type: "InternalIP", address })),
      ])!;
    expect(satisfies(one, template(["192.0.2.2", "2001:db8::1"]))).toBe(true);
    expect(satisfies(one, template(["2001:db8:0::1"]))).toBe(true);
    expect(satisfies(one, template(["192.0.2.3"]))).toBe(false);
    expect(satisfies(one, clientTemplate("n2"))).toBe(false);
  });
});

describe("the store", () => {
  it("keeps each under its time, and links the newest", async () => {
    const store = new CertificateStore(`${folder}/pki`, "kubelet-client");
    expect(await store.read()).toBeUndefined();
    const [first, second] = [await made("client"), await made("client")];
    await store.write(first.certificate, first.key, nowMs);
    await store.write(second.certificate, second.key, nowMs + 1000);
    expect(readlinkSync(store.currentFile)).toBe(`${folder}/pki/kubelet-client-2026-01-02-03-04-06.pem`);
    expect((await store.read())!.cert.trim()).toBe(second.certificate.trim());
    expect(readFileSync(`${folder}/pki/kubelet-client-2026-01-02-03-04-05.pem`, "utf8")).toContain(first.key.trim());
  });

  it("takes no key of another certificate, and no half of a pair", async () => {
    const [one, other] = [await made("client"), await made("client")];
    expect(() => heldCertificate(one.certificate + other.key)).toThrow("the key is not the certificate's");
    expect(() => heldCertificate(one.certificate)).toThrow("a certificate and its key are not there");
  });
});

describe("bootstrap", () => {
  it("writes a kubeconfig where none is good, and leaves one that is", async () => {
    const files = {
      kubeconfig: `${folder}/new/kubelet.conf`,
      bootstrapKubeconfig: `${folder}/bootstrap.conf`,
      certificateFile: `${folder}/boot/kubelet-client-current.pem`,
    };
    const token = { id: "abcdef", secret: "0123456789abcdef" };
    writeTokenKubeconfig(files.bootstrapKubeconfig, {
      server: "https://192.0.2.1",
      authority: authority.certificate,
      token,
    });
    expect(await prepareKubeconfig(files, Date.now())).toBe(true);
    const text = readFileSync(files.kubeconfig, "utf8");
    expect(text).toContain(`client-certificate: ${files.certificateFile}`);
    // It names a certificate that is not there yet.
    expect(await prepareKubeconfig(files, Date.now())).toBe(true);
    const pair = await made("client");
    await new CertificateStore(`${folder}/boot`, "kubelet-client").write(pair.certificate, pair.key, Date.now());
    expect(await prepareKubeconfig(files, Date.now())).toBe(false);
    expect(await prepareKubeconfig(files, Date.now() + 2 * hourMs)).toBe(true);
  });
});

describe("a client that runs", () => {
  it("asks with the new certificate over a new connection, and its watch ends", async () => {
    const serving = await made("server", { dns: [], ip: ["127.0.0.1"] });
    const asked: string[] = [];
    const server = http2.createSecureServer({
      cert: serving.certificate,
      key: serving.key,
      ca: authority.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    });
    server.on("request", (request, response) => {
      asked.push((request.socket as TLSSocket).getPeerCertificate().serialNumber);
      if (request.url.includes("watch")) return void response.write("");
      response.end("{}");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const file = `${folder}/client.conf`;
    const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const token = { id: "a", secret: "b" };
    writeTokenKubeconfig(file, { server: address, authority: authority.certificate, token });
    const held = [await made("client"), await made("client")].map(({ certificate, key }) =>
      heldCertificate(certificate + key),
    );
    let now = held[0]!;
    const client = new HttpClient({ kubeconfig: file, userAgent: "test", clientCertificate: () => now });
    try {
      let watches = 0;
      const nodes = { group: "", version: "v1", plural: "nodes", kind: "Node", namespaced: false };
      client.watch(nodes, { resourceVersion: "1" }, { onEvent: () => undefined, onEnd: () => watches++ });
      await client.read("/a");
      now = held[1]!;
      client.reconnect();
      await client.read("/b");
      await eventually("the end of the watch", () => watches === 1, 10_000);
      expect(new Set(asked).size).toBe(2);
    } finally {
      client.close();
      server.close();
    }
  });
});

describe("metrics", () => {
  it("tell how long certificates have, and what failed", async () => {
    const metrics = new CertificateMetrics(() => nowMs);
    metrics.client({ notAfterMs: nowMs + 90_500 });
    metrics.server({ notAfterMs: undefined });
    metrics.clientFailed();
    metrics.serverRenewed(5 * 3600);
    const text = await metrics.registry.metrics();
    expect(text).toContain("kubelet_certificate_manager_client_ttl_seconds 90\n");
    expect(text).toContain("kubelet_certificate_manager_server_ttl_seconds +Inf\n");
    expect(text).toContain("kubelet_certificate_manager_client_expiration_renew_errors 1\n");
    expect(text).toContain('kubelet_certificate_manager_server_rotation_seconds_bucket{le="28800"} 1\n');
  });
});
