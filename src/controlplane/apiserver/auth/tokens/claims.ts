/** What a service-account token says (KEP-1205, KEP-4193; upstream's pkg/serviceaccount/claims.go). Pure. */

export interface ObjectReference {
  readonly name: string;
  readonly uid: string;
}

export interface KubernetesClaims {
  readonly namespace: string;
  readonly serviceaccount: ObjectReference;
  readonly pod?: ObjectReference;
  readonly node?: ObjectReference;
  readonly secret?: ObjectReference;
  /** Seconds since 1970 from which its use is stale; it is good until `exp` all the same. */
  readonly warnafter?: number;
}

export interface Claims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: readonly string[];
  /** Seconds since 1970. */
  readonly exp: number;
  readonly iat: number;
  readonly nbf: number;
  readonly jti?: string;
  readonly "kubernetes.io": KubernetesClaims;
}

/** Clocks may differ by this much, and a deleted object counts for this long, in seconds. */
export const leewaySeconds = 60;

/** The part of a token's payload that can be read before its signature is checked. @returns undefined for what is no JWT */
export function peekIssuer(token: string): string | undefined {
  const parts = token.split(".");
  if (parts.length !== 3) return undefined;
  const payload = parsedJson(parts[1]!);
  return isRecord(payload) && typeof payload["iss"] === "string" ? payload["iss"] : undefined;
}

/** @returns undefined where the payload is not one of ours */
export function claimsOf(payload: unknown): Claims | undefined {
  if (!isRecord(payload)) return undefined;
  const { iss, sub, aud, exp, iat, nbf, jti } = payload;
  const kubernetes = payload["kubernetes.io"];
  const audiences = typeof aud === "string" ? [aud] : aud;
  if (typeof iss !== "string" || typeof sub !== "string" || !isRecord(kubernetes)) return undefined;
  if (!Array.isArray(audiences) || !audiences.every((audience) => typeof audience === "string")) return undefined;
  if (![exp, iat, nbf].every((time) => typeof time === "number")) return undefined;
  if (typeof kubernetes["namespace"] !== "string" || !isReference(kubernetes["serviceaccount"])) return undefined;
  for (const name of ["pod", "node", "secret"]) {
    if (kubernetes[name] !== undefined && !isReference(kubernetes[name])) return undefined;
  }
  return {
    iss,
    sub,
    aud: audiences,
    exp: exp as number,
    iat: iat as number,
    nbf: nbf as number,
    ...(typeof jti === "string" ? { jti } : {}),
    "kubernetes.io": kubernetes as unknown as KubernetesClaims,
  };
}

export function serviceAccountUser(namespace: string, name: string): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

export function serviceAccountGroups(namespace: string): string[] {
  return ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];
}

/** "system:serviceaccount:ns:name" → its parts; undefined for another user's name. */
export function serviceAccountOf(user: string): { namespace: string; name: string } | undefined {
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user) ?? [];
  return namespace === undefined || name === undefined ? undefined : { namespace, name };
}

function parsedJson(base64url: string): unknown {
  try {
    return JSON.parse(Buffer.from(base64url, "base64url").toString()) as unknown;
  } catch {
    return undefined;
  }
}

function isReference(value: unknown): boolean {
  return isRecord(value) && typeof value["name"] === "string" && typeof value["uid"] === "string";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
