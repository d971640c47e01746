/**
 * Hashes that name what is made of a template (pkg/controller ComputeHash, k8s.io/apimachinery rand.SafeEncodeString).
 * Upstream hashes Go's own print of the structs, which no other language has: the names are as upstream's,
 * the numbers are not, so what upstream made is recognised by what is in it. Pure.
 */

const offset = 0x811c9dc5;
const prime = 0x01000193;
/** No vowels and no digits that look like one: no word comes of it. */
const alphabet = "bcdfghjklmnpqrstvwxz2456789";

/** FNV-1a, 32 bits. */
export function fnv32a(bytes: Uint8Array): number {
  let hash = offset;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, prime) >>> 0;
  return hash;
}

/** FNV-1, 32 bits. */
export function fnv32(bytes: Uint8Array): number {
  let hash = offset;
  for (const byte of bytes) hash = (Math.imul(hash, prime) ^ byte) >>> 0;
  return hash;
}

/** A number's digits as letters that are safe in names. */
export function safeEncode(text: string): string {
  return [...Buffer.from(text)].map((byte) => alphabet[byte % alphabet.length]!).join("");
}

/** A template's hash; a collision count that is not 0 makes it another (pkg/controller ComputeHash). */
export function templateHash(template: object, collisionCount: number | undefined): string {
  const probe = Buffer.alloc(8);
  if (collisionCount) probe.writeUInt32LE(collisionCount);
  const bytes = Buffer.from(canonicalJson(template));
  return safeEncode(String(fnv32a(collisionCount ? Buffer.concat([bytes, probe]) : bytes)));
}

/** JSON as Go writes a map: keys in order, <, > and & escaped; what is null is left out. */
export function canonicalJson(value: unknown): string {
  const ordered = JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    const entries = Object.entries(part).filter(([, inner]) => inner !== undefined && inner !== null);
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
  return ordered.replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
