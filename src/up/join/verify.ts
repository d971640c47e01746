/** Whether what anybody could have answered is the cluster's own (kubeadm, discovery/token). Pure. */
import { createHash, createHmac, timingSafeEqual, X509Certificate } from "node:crypto";
import { parse } from "yaml";
import { tokenText, type BootstrapToken } from "./token.ts";

export interface Discovered {
  /** `https://host:port` */
  readonly server: string;
  /** PEM. */
  readonly authority: string;
}

/** "sha256:" and the hash of the public key, as kubeadm prints it (RFC 7469, SubjectPublicKeyInfo). @param pem a certificate */
export function publicKeyHash(pem: string): string {
  const key = new X509Certificate(pem).publicKey.export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(key).digest("hex")}`;
}

/** By a JWS whose payload is detached (RFC 7515, appendix F), HS256 by the whole token. */
export function isSignedBy(token: BootstrapToken, text: string, signature: string): boolean {
  const [header = "", payload, given = ""] = signature.split(".");
  if (payload !== "" || algorithmOf(header) !== "HS256") return false;
  const signed = `${header}.${Buffer.from(text).toString("base64url")}`;
  const wanted = createHmac("sha256", tokenText(token)).update(signed).digest();
  const actual = Buffer.from(given, "base64url");
  return actual.length === wanted.length && timingSafeEqual(actual, wanted);
}

function algorithmOf(header: string): unknown {
  try {
    return (JSON.parse(Buffer.from(header, "base64url").toString()) as { alg?: unknown }).alg;
  } catch {
    return undefined;
  }
}

/** @param kubeconfig of cluster-info @throws Error that says what is wrong of it */
export function decodeClusterInfo(kubeconfig: string): Discovered {
  interface Cluster {
    readonly server?: unknown;
    readonly "certificate-authority-data"?: unknown;
  }
  const document = parse(kubeconfig) as { readonly clusters?: readonly { readonly cluster?: Cluster }[] } | null;
  const cluster = document?.clusters?.[0]?.cluster;
  const { server, "certificate-authority-data": data } = cluster ?? {};
  if (typeof server !== "string" || !server.startsWith("https://")) throw new Error("its cluster-info names no server");
  if (typeof data !== "string") throw new Error("its cluster-info has no authority");
  return { server, authority: Buffer.from(data, "base64").toString() };
}
