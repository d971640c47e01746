/** Bootstrap tokens as Secrets of kube-system hold them (k8s.io/cluster-bootstrap). Pure. */
import type { Secret } from "../../../model/kubernetes.ts";

export const tokenSecretType = "bootstrap.kubernetes.io/token";
export const tokenNamespace = "kube-system";
const namePrefix = "bootstrap-token-";

export function isTokenSecret({ type, metadata }: Secret): boolean {
  return type === tokenSecretType && metadata.namespace === tokenNamespace;
}

export function tokenField({ data = {} }: Secret, name: string): string {
  return Buffer.from(data[name] ?? "", "base64").toString();
}

/** ms until a token is over; 0 where it is, or says an end that nobody can read; undefined: it never is. */
export function expiresInMs(secret: Secret, nowMs: number): number | undefined {
  const text = tokenField(secret, "expiration");
  if (text === "") return undefined;
  const endMs = Date.parse(text);
  return Number.isNaN(endMs) ? 0 : Math.max(0, endMs - nowMs);
}

export interface SigningToken {
  readonly id: string;
  readonly secret: string;
}

/** @returns the token where it may sign and is whole, else undefined */
export function signingToken(secret: Secret, nowMs: number): SigningToken | undefined {
  if (!isTokenSecret(secret) || secret.metadata.deletionTimestamp !== undefined) return undefined;
  const [id, value] = [tokenField(secret, "token-id"), tokenField(secret, "token-secret")];
  if (!/^[a-z0-9]{6}$/.test(id) || secret.metadata.name !== namePrefix + id || value === "") return undefined;
  if (expiresInMs(secret, nowMs) === 0) return undefined;
  return tokenField(secret, "usage-bootstrap-signing") === "true" ? { id, secret: value } : undefined;
}
