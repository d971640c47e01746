/** What an operator decides by flags: who serves, who comes in, who is asked, which plug-ins run. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import https from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TLSSocket } from "node:tls";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { securing, securityOf, type SecurityFlagValues } from "../../../../src/cmd/security_flags.ts";
import { admissionPluginNames } from "../../../../src/controlplane/apiserver/admission/names.ts";
import { builtInPlugins } from "../../../../src/controlplane/apiserver/admission/plugins.ts";
import { issue, makeAuthority, type KeyPair } from "../../../../src/controlplane/apiserver/certificates/x509.ts";
import { Identity } from "../../../../src/controlplane/apiserver/identity.ts";
import { startSecureServer, type SecureServer } from "../../../fixtures/secure_server.ts";

let folder: string;
let authority: KeyPair;
const day = 86_400_000;
const validity = { fromMs: Date.now() - day, toMs: Date.now() + day };

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-access-"));
  authority = await makeAuthority("another authority", validity);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(options: Parameters<typeof startSecureServer>[0]): Promise<SecureServer> {
  const server = await startSecureServer(options);
  onTestFinished(() => server.stop());
  return server;
}

interface Answered {
  readonly code: number | undefined;
  readonly body: string;
  /** Common name of the server's certificate. */
  readonly server: string;
}

function get(server: SecureServer, where: string, more: https.RequestOptions = {}): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const options = { agent: false, rejectUnauthorized: false, timeout: 10_000, ...more };
    const request = https.get(server.url + where, options, (response) => {
      const { CN } = (response as unknown as { socket: TLSSocket }).socket.getPeerCertificate().subject;
      let body = "";
      response.on("data", (part: Buffer) => (body += part.toString()));
      response.on("end", () => resolve({ code: response.statusCode, body, server: String(CN) }));
    });
    request.on("error", reject);
  });
}

const withToken = (token: string): https.RequestOptions => ({ headers: { authorization: `Bearer ${token}` } });

async function serving(name: string): Promise<{ certificate: string; key: string }> {
  const names = { dns: [], ip: ["127.0.0.1"] };
  const pair = await issue(authority, { commonName: name, organizations: [], usage: "server", names }, validity);
  const files = { certificate: path.join(folder, "tls.crt"), key: path.join(folder, "tls.key") };
  writeFileSync(files.certificate, pair.certificate);
  writeFileSync(files.key, pair.key);
  return files;
}

describe("--anonymous-auth", () => {
  it("lets nobody in without credentials when it is off, health checks neither", async () => {
    const open = await start({});
    expect((await get(open, "/readyz")).code).toBe(200);
    const closed = await start({ anonymousAuth: false });
    expect((await get(closed, "/readyz")).code).toBe(401);
    expect((await get(closed, "/version")).body).toContain('"message":"Unauthorized"');
  });
});

describe("--authorization-mode", () => {
  const tokens = (): string => {
    const file = path.join(folder, "tokens.csv");
    writeFileSync(file, "secret,somebody,1\n");
    return file;
  };
  const pods = "/api/v1/namespaces/default/pods";

  it.each<[readonly ("AlwaysAllow" | "AlwaysDeny" | "Node" | "RBAC")[], number]>([
    [["Node", "RBAC"], 403],
    [["RBAC", "AlwaysAllow"], 200],
    [["AlwaysDeny"], 403],
  ])("%j", async (authorizationModes, code) => {
    const server = await start({ tokenAuthFile: tokens(), authorizationModes });
    expect((await get(server, pods, withToken("secret"))).code).toBe(code);
  });
});

describe("--service-account-issuer", () => {
  it("names the first on new tokens, and takes those of the others", async () => {
    const dataDir = mkdtempSync(path.join(folder, "data-"));
    const tokenOf = async (server: SecureServer): Promise<string> => {
      await server.run(["create", "serviceaccount", "robot"]).catch(() => undefined);
      return (await server.run(["create", "token", "robot"])).trim();
    };
    const before = await startSecureServer({ dataDir, serviceAccountIssuers: ["https://old"] });
    const old = await tokenOf(before);
    await before.stop();
    const after = await start({ dataDir, serviceAccountIssuers: ["https://new", "https://old"] });
    const document = JSON.parse((await get(after, "/.well-known/openid-configuration", withToken(old))).body);
    expect(document.issuer).toBe("https://new");
    const claims = JSON.parse(Buffer.from((await tokenOf(after)).split(".")[1]!, "base64url").toString());
    expect([claims.iss, claims.aud]).toEqual(["https://new", ["https://new", "https://old"]]);
  });
});

describe("--tls-cert-file", () => {
  it("serves that certificate, and another one once the files have another", async () => {
    const servingFiles = await serving("first");
    const server = await start({ servingFiles });
    expect(await get(server, "/readyz", { ca: authority.certificate, rejectUnauthorized: true })).toMatchObject({
      code: 200,
      server: "first",
    });
    // The administrator's kubeconfig knows it.
    expect(await server.run(["get", "--raw", "/readyz"])).toBe("ok");
    await serving("second");
    await server.api.renew();
    expect((await get(server, "/readyz")).server).toBe("second");
    writeFileSync(servingFiles.key, (await makeAuthority("x", validity)).key);
    await expect(server.api.renew()).rejects.toMatchObject({ code: "CERTIFICATE_FILE" });
    expect((await get(server, "/readyz")).server).toBe("second");
  });
});

it("--kubelet-certificate-authority is whom kubelets' certificates are verified by", async () => {
  const file = path.join(folder, "kubelets.crt");
  writeFileSync(file, authority.certificate);
  const common = { dataDir: path.join(folder, "identity"), host: "127.0.0.1", serviceCidrs: ["10.96.0.0/16"] };
  const known = await Identity.open({ ...common, kubeletAuthorityFile: file }, Date.now);
  expect((await known.kubeletCredentials()).ca).toBe(authority.certificate);
  const unknown = await Identity.open(common, Date.now);
  expect(await unknown.kubeletCredentials()).not.toHaveProperty("ca");
});

describe("--disable-admission-plugins", () => {
  const limits = { apiVersion: "v1", kind: "LimitRange", metadata: { name: "l" } };
  const spec = { limits: [{ type: "Container", max: { cpu: "1" } }] };
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "large" },
    spec: { containers: [{ name: "c", image: "i", resources: { limits: { cpu: "2" } } }] },
  };

  it.each([
    [["ServiceAccount"], false],
    [["ServiceAccount", "LimitRanger"], true],
  ])("%j lets a pod beyond its limits in: %s", async (disabledAdmission, isLetIn) => {
    const server = await start({ disabledAdmission });
    await server.run(["create", "-f", "-"], { ...limits, spec });
    const { code, stderr } = await server.kubectl(["create", "-f", "-"], pod);
    expect(code === 0, stderr).toBe(isLetIn);
  });

  it("knows every plug-in that upstream names", () => {
    const made = builtInPlugins({ others: [] } as unknown as Parameters<typeof builtInPlugins>[0]);
    const own = ["CertificateRequestUser", "RbacEscalation"];
    expect(
      made
        .map(({ name }) => name)
        .filter((name) => !own.includes(name))
        .sort(),
    ).toEqual(admissionPluginNames);
  });
});

describe("the flags", () => {
  function parse(...args: string[]) {
    const command = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
    securing(command);
    command.parse(args, { from: "user" });
    return securityOf(command.opts<SecurityFlagValues>(), command);
  }

  it("have upstream's defaults where it is secured", () => {
    expect(parse()).toEqual({ anonymousAuth: true, authorizationModes: ["Node", "RBAC"], disabledAdmission: [] });
  });

  it("are read", () => {
    const flags = ["--anonymous-auth=false", "--authorization-mode=RBAC", "--api-audiences=a,b"];
    const issuers = ["--service-account-issuer=https://a", "--service-account-issuer=b"];
    expect(parse(...flags, ...issuers, "--enable-admission-plugins=NodeRestriction")).toMatchObject({
      anonymousAuth: false,
      authorizationModes: ["RBAC"],
      apiAudiences: ["a", "b"],
      serviceAccountIssuers: ["https://a", "b"],
    });
    expect(parse("--tls-cert-file=c", "--tls-private-key-file=k").servingFiles).toEqual({ certificate: "c", key: "k" });
  });

  it.each([
    ["--anonymous-auth=maybe"],
    ["--authorization-mode=Webhook"],
    ["--authorization-mode=RBAC,RBAC"],
    ["--service-account-issuer=:b"],
    ["--tls-cert-file=c"],
    ["--enable-admission-plugins=PodSecurityPolicy"],
    ["--enable-admission-plugins=Priority", "--disable-admission-plugins=Priority"],
  ])("%s is refused", (...args) => {
    expect(() => parse(...args)).toThrow(expect.objectContaining({ exitCode: 1 }));
  });
});
