import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeToken, parseToken, renderTokenSecret, tokenText } from "../../../src/up/join/token.ts";
import { decodeClusterInfo, isSignedBy } from "../../../src/up/join/verify.ts";
import { renderClusterKubeconfig } from "../../../src/up/join/render.ts";

const token = { id: "abcdef", secret: "0123456789abcdef" };
const sign = (text: string, key = tokenText(token), alg = "HS256"): string => {
  const header = Buffer.from(JSON.stringify({ alg, kid: token.id })).toString("base64url");
  const payload = Buffer.from(text).toString("base64url");
  return `${header}..${createHmac("sha256", key).update(`${header}.${payload}`).digest("base64url")}`;
};

describe("a bootstrap token", () => {
  it("is made of random letters, each as likely, and no other bytes", () => {
    let next = 0;
    const made = makeToken((count) => Uint8Array.from({ length: count }, () => (next = (next + 83) % 256)));
    expect(parseToken(tokenText(made))).toEqual(made);
    // 252 and above would make the first letters likelier.
    const bytes = [255, 254, 253, 252, 251, 0, 1, 2, 3, 4, 5];
    expect(makeToken((count) => Uint8Array.from({ length: count }, () => bytes.shift() ?? 35)).id).toBe("9abcde");
  });

  it.each(["", "abcdef", "abcdef.0123", "ABCDEF.0123456789abcdef", "abcdef.0123456789abcdefg"])(
    "%j is none",
    (text) => {
      expect(parseToken(text)).toBeUndefined();
    },
  );

  it("is a Secret as kubeadm writes it", () => {
    const { metadata, type, data } = renderTokenSecret(token, new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678)), "why");
    expect({ metadata, type }).toEqual({
      metadata: { name: "bootstrap-token-abcdef", namespace: "kube-system" },
      type: "bootstrap.kubernetes.io/token",
    });
    const decoded = Object.entries(data ?? {}).map(([name, text]) => [name, Buffer.from(text, "base64").toString()]);
    expect(Object.fromEntries(decoded)).toEqual({
      "token-id": "abcdef",
      "token-secret": "0123456789abcdef",
      "usage-bootstrap-authentication": "true",
      "usage-bootstrap-signing": "true",
      "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
      expiration: "2026-01-02T03:04:05Z",
      description: "why",
    });
  });
});

describe("cluster-info", () => {
  const text = renderClusterKubeconfig({ server: "https://192.0.2.1:6443", authority: "the authority" });

  it("is believed by the signature of the token, whole", () => {
    expect(isSignedBy(token, text, sign(text))).toBe(true);
    expect(isSignedBy({ ...token, secret: "0123456789abcdeg" }, text, sign(text))).toBe(false);
    expect(isSignedBy(token, `${text} `, sign(text))).toBe(false);
    expect(isSignedBy(token, text, sign(text, undefined, "none"))).toBe(false);
    for (const wrong of ["", ".", "..", "a..b", sign(text).replace("..", ".x."), sign(text).slice(0, -2)]) {
      expect(isSignedBy(token, text, wrong)).toBe(false);
    }
  });

  it("says where the cluster is, and by whom it is known", () => {
    expect(decodeClusterInfo(text)).toEqual({ server: "https://192.0.2.1:6443", authority: "the authority" });
    for (const wrong of [
      "",
      "clusters: []",
      text.replace("https:", "http:"),
      text.replace("authority-data", "authority"),
    ]) {
      expect(() => decodeClusterInfo(wrong)).toThrow(/its cluster-info/);
    }
  });
});
