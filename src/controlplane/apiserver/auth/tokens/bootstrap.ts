/** Bootstrap tokens: how a node that knows nothing but a short secret asks for its certificate (KEP: bootstrap tokens). */
import { timingSafeEqual } from "node:crypto";
import type { Lookup } from "../lookup.ts";
import type { TokenAuthenticator, TokenIdentity } from "./authenticator.ts";

const tokenForm = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const groupForm = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;
const defaultGroup = "system:bootstrappers";

export class BootstrapTokens implements TokenAuthenticator {
  readonly #lookup: Lookup;
  readonly #now: () => number;

  /** @param now wall clock in ms */
  constructor(lookup: Lookup, now: () => number) {
    this.#lookup = lookup;
    this.#now = now;
  }

  authenticateToken(token: string): TokenIdentity | undefined {
    const [, id, secret] = tokenForm.exec(token) ?? [];
    if (id === undefined || secret === undefined) return undefined;
    const found = this.#lookup.get("secrets", "kube-system", `bootstrap-token-${id}`);
    if (found?.["type"] !== "bootstrap.kubernetes.io/token") return undefined;
    if (found.metadata.deletionTimestamp !== undefined) return undefined;
    const data = decoded(found["data"]);
    if (!isSame(data["token-secret"] ?? "", secret) || data["token-id"] !== id) return undefined;
    if (this.#hasExpired(data["expiration"]) || data["usage-bootstrap-authentication"] !== "true") return undefined;
    const groups = extraGroups(data["auth-extra-groups"] ?? "");
    return groups && { user: { name: `system:bootstrap:${id}`, groups: [defaultGroup, ...groups] } };
  }

  /** A time that cannot be read is over. */
  #hasExpired(expiration: string | undefined): boolean {
    return expiration !== undefined && expiration !== "" && !(Date.parse(expiration) > this.#now());
  }
}

/** @returns undefined where one is no group of bootstrappers: then the whole token is refused */
function extraGroups(text: string): string[] | undefined {
  const groups = [...new Set(text.split(",").filter((group) => group !== ""))].sort();
  return groups.every((group) => groupForm.test(group)) ? groups : undefined;
}

function decoded(data: unknown): Record<string, string | undefined> {
  const entries = Object.entries((data ?? {}) as Record<string, string>);
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, "base64").toString()]));
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
