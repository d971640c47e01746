/** Credentials that are wrong, over TLS: 401 each, never an error of ours, and nothing for nobody but health. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import https, { type RequestOptions } from "node:https";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CompactSign, UnsecuredJWT } from "jose";
import { clientProfile } from "../../src/controlplane/apiserver/certificates/serving.ts";
import { Pki } from "../../src/controlplane/apiserver/certificates/pki.ts";
import { issue, type KeyPair } from "../../src/controlplane/apiserver/certificates/x509.ts";
import { defaultIssuer } from "../../src/controlplane/apiserver/compose.ts";
import { startSecureServer, type SecureServer } from "../fixtures/secure_server.ts";

let server: SecureServer;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-hostile-"));
  writeFileSync(path.join(folder, "tokens.csv"), 'secret-token,jane,u1,"dev"\n');
  server = await startSecureServer({ tokenAuthFile: path.join(folder, "tokens.csv") });
});
afterAll(async () => {
  expect(server.internalErrors).toEqual([]);
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly code: number;
  readonly body: any;
}

function get(where: string, options: RequestOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = https.get(
      `${server.url}${where}`,
      { ca: server.api.pki.authorityCertificate, agent: false, ...options },
      (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("end", () => {
          const text = Buffer.concat(parts).toString();
          const isJson = /json/.test(response.headers["content-type"] ?? "");
          resolve({ code: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : text });
        });
      },
    );
    request.once("error", reject);
  });
}

const withToken = (token: string, where = "/api/v1/namespaces") =>
  get(where, { headers: { authorization: `Bearer ${token}` } });
const withCertificate = ({ certificate, key }: KeyPair, where = "/api/v1/namespaces") =>
  get(where, { cert: certificate, key });
const unauthorized = {
  code: 401,
  body: {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: "Unauthorized",
    reason: "Unauthorized",
    code: 401,
  },
};

describe("nobody", () => {
  it.each(["/healthz", "/livez", "/readyz", "/version"])("sees %s", async (where) => {
    expect((await get(where)).code).toBe(200);
  });

  it.each([
    ["/api", 'forbidden: User "system:anonymous" cannot get path "/api"'],
    ["/metrics", 'forbidden: User "system:anonymous" cannot get path "/metrics"'],
    ["/.well-known/openid-configuration", "cannot get path"],
    [
      "/api/v1/namespaces",
      'namespaces is forbidden: User "system:anonymous" cannot list resource "namespaces" in API group "" at the cluster scope',
    ],
  ])("does not see %s", async (where, message) => {
    const { code, body } = await get(where);
    expect([code, body.reason]).toEqual([403, "Forbidden"]);
    expect(body.message).toContain(message);
  });

  it("impersonates nobody", async () => {
    const { code, body } = await get("/api/v1/namespaces", { headers: { "impersonate-user": "jane" } });
    expect([code, body.message]).toEqual([
      403,
      'users "jane" is forbidden: User "system:anonymous" cannot impersonate resource "users" in API group "" at the cluster scope',
    ]);
  });
});

describe("a token", () => {
  it("of the file lets its user in", async () => {
    const { code, body } = await withToken("secret-token");
    expect([code, body.message]).toEqual([
      403,
      'namespaces is forbidden: User "jane" cannot list resource "namespaces" in API group "" at the cluster scope',
    ]);
    expect((await withToken("secret-token", "/api")).code).toBe(200);
  });

  const claims = {
    iss: defaultIssuer,
    sub: "system:serviceaccount:kube-system:root",
    aud: [defaultIssuer],
    exp: 4e9,
    iat: 1,
    nbf: 1,
    "kubernetes.io": { namespace: "kube-system", serviceaccount: { name: "root", uid: "x" } },
  };
  const foreign = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  it.each<[string, () => Promise<string> | string]>([
    ["that nobody signed", () => new UnsecuredJWT(claims).encode()],
    [
      "that another key signed",
      () =>
        new CompactSign(Buffer.from(JSON.stringify(claims)))
          .setProtectedHeader({ alg: "ES256", kid: "k" })
          .sign(foreign),
    ],
    ["of garbage", () => "garbage"],
    ["of dots", () => "..."],
    ["of three spoiled parts", () => "%%%.{}.\\"],
    ["of a bootstrapper that is not there", () => "abcdef.0123456789abcdef"],
    ["of 12 KB", () => "a".repeat(12_000)],
    ["of 12 KB in three parts", () => ["a", "b", "c"].map((part) => part.repeat(4000)).join(".")],
  ])("%s is nobody's", async (_what, make) => {
    expect(await withToken(await make())).toEqual(unauthorized);
    // Not even what nobody sees: a wrong credential is no absence of one.
    expect((await withToken(await make(), "/version")).code).toBe(401);
  });

  it("that is too long for a header is refused before it is read", async () => {
    expect((await withToken("a".repeat(100_000))).code).toBe(431);
  });

  it("of random bytes is nobody's, three hundred times", async () => {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 4 });
    const codes = await Promise.all(
      Array.from({ length: 300 }, async (_, i) => {
        const token = Array.from({ length: (i % 4) + 1 }, () => randomBytes(1 + (i % 90)).toString("base64url")).join(
          ".",
        );
        return (await get("/version", { agent, headers: { authorization: `Bearer ${token}` } })).code;
      }),
    );
    agent.destroy();
    expect(new Set(codes)).toEqual(new Set([401]));
  });
});

describe("a client certificate", () => {
  const year = 365 * 24 * 3600 * 1000;

  it("of the authority lets its user in, with its groups", async () => {
    const pair = await server.api.pki.certificate("jane", clientProfile("jane", ["dev", "ops"]));
    const { body } = await withCertificate(pair);
    expect(body.message).toContain('User "jane" cannot list resource "namespaces"');
  });

  it("of another authority is nobody's", async () => {
    const other = await Pki.open({ folder: path.join(folder, "other"), now: Date.now });
    const pair = await other.certificate("root", clientProfile("root", ["system:masters"]));
    expect(await withCertificate(pair)).toEqual(unauthorized);
  });

  it.each([
    ["whose time is over", -2 * year, -year],
    ["whose time is to come", year, 2 * year],
  ])("%s is nobody's", async (_what, from, to) => {
    // Issued by hand: the authority would not give out such a one, nor is it older than today.
    const authority = { ...server.api.pki.authority };
    const validity = { fromMs: Date.now() + Math.max(from, 0) + 1000, toMs: Date.now() + Math.max(to, 1500) };
    const pair = await issue(
      authority,
      clientProfile("root", ["system:masters"]),
      from < 0 ? { fromMs: Date.now() - 2000, toMs: Date.now() - 1000 } : validity,
    );
    expect(await withCertificate(pair)).toEqual(unauthorized);
  });

  it("that is a server's is nobody's", async () => {
    const profile = {
      commonName: "root",
      organizations: ["system:masters"],
      usage: "server",
      names: { dns: ["x"], ip: [] },
    } as const;
    const pair = await issue(server.api.pki.authority, profile, { fromMs: Date.now() - 1000, toMs: Date.now() + year });
    expect(await withCertificate(pair)).toEqual(unauthorized);
  });
});

describe("renewal", () => {
  it("puts a new certificate in use while the server runs", async () => {
    const seen = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const request = https.get(
          `${server.url}/healthz`,
          { ca: server.api.pki.authorityCertificate, agent: false },
          (response) => {
            resolve(fingerprintOf(response.socket));
            response.resume();
          },
        );
        request.once("error", reject);
      });
    const before = await seen();
    rmSync(path.join(server.folder, "pki", "apiserver.pem"));
    await server.api.renew();
    const after = await seen();
    expect(after).not.toBe(before);
    await server.api.renew();
    expect(await seen()).toBe(after);
  });
});

function fingerprintOf(socket: Socket): string {
  if (!(socket instanceof TLSSocket)) throw new Error("the connection has no TLS");
  return socket.getPeerCertificate().fingerprint256;
}
