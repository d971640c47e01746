/** Bearer tokens: whose they are, and what makes them nobody's. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { CompactSign, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TokenAuthenticators, TokenError } from "../../../../src/controlplane/apiserver/auth/tokens/authenticator.ts";
import { BootstrapTokens } from "../../../../src/controlplane/apiserver/auth/tokens/bootstrap.ts";
import type { Claims } from "../../../../src/controlplane/apiserver/auth/tokens/claims.ts";
import { tokenFile } from "../../../../src/controlplane/apiserver/auth/tokens/file.ts";
import { ServiceAccountTokens } from "../../../../src/controlplane/apiserver/auth/tokens/service_account.ts";
import { TokenSigner } from "../../../../src/controlplane/apiserver/auth/tokens/signature.ts";
import { SigningKeys } from "../../../../src/controlplane/apiserver/certificates/signing_keys.ts";
import { fakeLookup, namespaced, object } from "../../../fixtures/objects.ts";

const issuer = "https://issuer";
const nowMs = Date.parse("2030-01-01T00:00:00Z");
const now = nowMs / 1000;
let folder: string;
let keys: SigningKeys;
let signer: TokenSigner;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-tokens-"));
  keys = await SigningKeys.open(folder);
  signer = new TokenSigner(keys);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const claims = (change: Partial<Claims> = {}, kubernetes: object = {}): Claims => ({
  iss: issuer,
  sub: "system:serviceaccount:ns:robot",
  aud: ["api"],
  exp: now + 600,
  iat: now,
  nbf: now,
  jti: "id",
  "kubernetes.io": { namespace: "ns", serviceaccount: { name: "robot", uid: "uid-robot" }, ...kubernetes },
  ...change,
});

const secondsAgo = (seconds: number) => new Date(nowMs - seconds * 1000).toISOString();
const lookup = fakeLookup({
  serviceaccounts: [
    namespaced("ServiceAccount", "robot"),
    namespaced("ServiceAccount", "going", {}, { deletionTimestamp: secondsAgo(30) }),
    namespaced("ServiceAccount", "gone", {}, { deletionTimestamp: secondsAgo(90) }),
  ],
  pods: [
    namespaced("Pod", "web", { spec: { nodeName: "n1", serviceAccountName: "robot" } }),
    namespaced("Pod", "ending", {}, { deletionTimestamp: secondsAgo(30) }),
    namespaced("Pod", "ended", {}, { deletionTimestamp: secondsAgo(90) }),
  ],
  nodes: [object("Node", "n1")],
});

const authenticate = (token: string, audiences = ["api"]) =>
  new TokenAuthenticators([
    new ServiceAccountTokens({ signer, lookup, issuers: [issuer], now: () => nowMs }),
  ]).authenticateToken(token, audiences);

describe("a service account's token", () => {
  it("says who it is and what it is bound to", async () => {
    const bound = { pod: { name: "web", uid: "uid-web" }, node: { name: "n1", uid: "uid-n1" } };
    expect(await authenticate(await signer.sign(claims({}, bound)))).toEqual({
      audiences: ["api"],
      user: {
        name: "system:serviceaccount:ns:robot",
        uid: "uid-robot",
        groups: ["system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"],
        extra: {
          "authentication.kubernetes.io/credential-id": ["JTI=id"],
          "authentication.kubernetes.io/pod-name": ["web"],
          "authentication.kubernetes.io/pod-uid": ["uid-web"],
          "authentication.kubernetes.io/node-name": ["n1"],
          "authentication.kubernetes.io/node-uid": ["uid-n1"],
        },
      },
    });
  });

  const account = (name: string, uid = `uid-${name}`) => ({ serviceaccount: { name, uid } });
  const pod = (name: string, uid = `uid-${name}`) => ({ pod: { name, uid } });
  it.each<[string, Partial<Claims>, object, string]>([
    ["expired", { exp: now - 61 }, {}, "service account token has expired"],
    ["of the future", { nbf: now + 61 }, {}, "service account token is not valid yet"],
    ["for others", { aud: ["vault"] }, {}, "is invalid for the target audiences"],
    ["of an account that is not there", {}, account("nobody"), "service account ns/nobody has been deleted"],
    [
      "of an account that was made again",
      {},
      account("robot", "old"),
      "service account UID (uid-robot) does not match claim (old)",
    ],
    ["of an account that has gone", {}, account("gone"), "service account ns/gone has been deleted"],
    ["of a pod that is not there", {}, pod("nowhere"), "service account token has been invalidated"],
    ["of a pod that has ended", {}, pod("ended"), "service account token has been invalidated"],
    [
      "of a pod that was made again",
      {},
      pod("web", "old"),
      "pod UID (uid-web) does not match service account pod ref claim (old)",
    ],
    [
      "of a secret that is not there",
      {},
      { secret: { name: "s", uid: "x" } },
      "service account token has been invalidated",
    ],
    ["of a node that was made again", {}, { node: { name: "n1", uid: "old" } }, "node UID (uid-n1) does not match"],
  ])("is refused where it is %s", async (_what, change, kubernetes, why) => {
    const refusal = authenticate(await signer.sign(claims(change, kubernetes)));
    await expect(refusal).rejects.toThrow(TokenError);
    await expect(refusal).rejects.toThrow(why);
  });

  it.each<[string, Partial<Claims>, object]>([
    ["has expired within the leeway", { exp: now - 59 }, {}],
    ["is of an account that is just going", {}, account("going")],
    ["is of a pod that is just ending", {}, pod("ending")],
  ])("is taken where it %s", async (_what, change, kubernetes) => {
    expect(await authenticate(await signer.sign(claims(change, kubernetes)))).toBeDefined();
  });

  it("ends with its account, however often it was seen", async () => {
    const token = await signer.sign(claims({ jti: "again" }, account("short")));
    const short = namespaced("ServiceAccount", "short");
    lookup.put("serviceaccounts", short);
    expect(await authenticate(token)).toBeDefined();
    lookup.remove("serviceaccounts", short);
    await expect(authenticate(token)).rejects.toThrow("has been deleted");
  });
});

describe("a hostile token", () => {
  const foreign = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const signed = (header: object, key: Parameters<CompactSign["sign"]>[0], payload: unknown = claims()) =>
    new CompactSign(Buffer.from(JSON.stringify(payload))).setProtectedHeader({ alg: "ES256", ...header }).sign(key);

  it.each<[string, () => Promise<string> | string]>([
    ["without a signature", () => new UnsecuredJWT({ ...claims(), aud: ["api"] }).encode()],
    ["by another key under our key's name", () => signed({ kid: keys.current.id }, foreign)],
    ["by another key under its own name", () => signed({ kid: "other" }, foreign)],
    ["without a key's name", () => signed({}, keys.current.privateKey)],
    [
      "by a shared secret that is our public key",
      () =>
        signed({ alg: "HS256", kid: keys.current.id }, keys.current.publicKey.export({ type: "spki", format: "der" })),
    ],
    [
      "with a changed payload",
      async () => {
        const [header, , signature] = (await signer.sign(claims())).split(".");
        const root = claims({ sub: "system:serviceaccount:kube-system:root" });
        return `${header!}.${Buffer.from(JSON.stringify(root)).toString("base64url")}.${signature!}`;
      },
    ],
    ["with claims of another form", () => signed({ kid: keys.current.id }, keys.current.privateKey, { iss: issuer })],
    ["with a spoiled header", async () => `x${await signer.sign(claims())}`],
    ["that is huge", () => "a".repeat(20_000)],
  ])("%s is refused", async (_what, make) => {
    await expect(authenticate(await make())).rejects.toThrow(TokenError);
  });

  it("of random bytes is nobody's", async () => {
    for (let i = 0; i < 200; i++) {
      const parts = [0, 1, 2].slice(0, (i % 3) + 1).map(() => randomBytes(i % 40).toString("base64url"));
      expect(await authenticate(parts.join("."))).toBeUndefined();
    }
  });
});

it("of another issuer is left to others", async () => {
  expect(await authenticate(await signer.sign(claims({ iss: "https://other" })))).toBeUndefined();
});

describe("signing keys", () => {
  it("are changed by hand as the manual says: a public half beside them goes on to verify", async () => {
    const where = path.join(folder, "by-hand");
    const first = await SigningKeys.open(where);
    const pem = first.current.publicKey.export({ type: "spki", format: "pem" });
    writeFileSync(path.join(where, "sa-2026.pub"), pem);
    rmSync(path.join(where, "sa.key"));
    const second = await SigningKeys.open(where);
    expect(second.all().map(({ id }) => id)).toEqual([second.current.id, first.current.id]);
    expect(second.current.id).not.toBe(first.current.id);
  });

  it("verify what they signed before a rotation and a restart", async () => {
    const token = await signer.sign(claims());
    const old = keys.current.id;
    await keys.rotate();
    expect(keys.current.id).not.toBe(old);
    const again = await SigningKeys.open(folder);
    expect(again.current.id).toBe(keys.current.id);
    expect(await new TokenSigner(again).verify(token)).toMatchObject({ sub: "system:serviceaccount:ns:robot" });
  });

  it("that are spoiled are named", async () => {
    const spoiled = mkdtempSync(path.join(tmpdir(), "fairlead-tokens-"));
    writeFileSync(path.join(spoiled, "sa.key"), "nonsense");
    await expect(SigningKeys.open(spoiled)).rejects.toThrow(`cannot use key material ${spoiled}/sa.key`);
    rmSync(spoiled, { recursive: true });
  });
});

describe("a bootstrap token", () => {
  const base64 = (data: Record<string, string>) =>
    Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")]));
  const right = {
    "token-id": "abcdef",
    "token-secret": "0123456789abcdef",
    "usage-bootstrap-authentication": "true",
    "auth-extra-groups": "system:bootstrappers:worker",
    expiration: "2030-01-01T01:00:00Z",
  };
  const tokens = (data: object, rest: object = {}, metadata: object = {}) =>
    new BootstrapTokens(
      fakeLookup({
        secrets: [
          object(
            "Secret",
            "bootstrap-token-abcdef",
            { type: "bootstrap.kubernetes.io/token", data: base64({ ...right, ...data }), ...rest },
            { namespace: "kube-system", ...metadata },
          ),
        ],
      }),
      () => nowMs,
    );
  const token = "abcdef.0123456789abcdef";

  it("is a bootstrapper's", () => {
    expect(tokens({}).authenticateToken(token)).toEqual({
      user: { name: "system:bootstrap:abcdef", groups: ["system:bootstrappers", "system:bootstrappers:worker"] },
    });
  });

  it.each<[string, object, object, object, string]>([
    ["another secret", {}, {}, {}, "abcdef.fedcba9876543210"],
    ["another id", {}, {}, {}, "fedcba.0123456789abcdef"],
    ["another form", {}, {}, {}, "abcdef.0123"],
    ["an expiration that is past", { expiration: "2029-12-31T23:59:59Z" }, {}, {}, token],
    ["an expiration that is none", { expiration: "soon" }, {}, {}, token],
    ["another use", { "usage-bootstrap-authentication": "false" }, {}, {}, token],
    ["a group that is not a bootstrapper's", { "auth-extra-groups": "system:masters" }, {}, {}, token],
    ["a secret of another type", {}, { type: "Opaque" }, {}, token],
    ["a secret that is being deleted", {}, {}, { deletionTimestamp: "2030-01-01T00:00:00Z" }, token],
    ["a secret of another id", { "token-id": "fedcba" }, {}, {}, token],
  ])("with %s is nobody's", (_what, data, rest, metadata, asked) => {
    expect(tokens(data, rest, metadata).authenticateToken(asked)).toBeUndefined();
  });
});

describe("a token file", () => {
  const file = (text: string): string => {
    const name = path.join(folder, "tokens.csv");
    writeFileSync(name, text);
    return name;
  };

  it("has users with groups", () => {
    const tokens = tokenFile(file('t1,jane,u1,"dev, ops"\n\nt2,joe,\n'));
    expect(tokens.authenticateToken("t1", [])).toEqual({ user: { name: "jane", uid: "u1", groups: ["dev", "ops"] } });
    expect(tokens.authenticateToken("t2", [])).toEqual({ user: { name: "joe", groups: [] } });
    expect(tokens.authenticateToken("t3", [])).toBeUndefined();
  });

  it("that is wrong is named, with the line", () => {
    expect(() => tokenFile(file("t1,jane,u1\nt2,joe"))).toThrow(/tokens\.csv: line 2 needs at least three columns/);
  });
});
