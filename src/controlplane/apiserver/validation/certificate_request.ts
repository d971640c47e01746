/** PKCS#10 certificate requests (RFC 2986): whether one is whole, and signed by the key that it names. */
import { createPublicKey, verify, type KeyObject } from "node:crypto";

/** A DER value: its tag, what it holds, and all its bytes (X.690). */
interface Value {
  readonly tag: number;
  readonly content: Buffer;
  readonly whole: Buffer;
}

const sequence = 0x30;
const bitString = 0x03;
const objectIdentifier = 0x06;

/** Signature algorithms that Go knows, by their object identifier in hexadecimal. */
const digests: Readonly<Record<string, string | null>> = {
  "2a864886f70d010105": "sha1",
  "2a864886f70d01010b": "sha256",
  "2a864886f70d01010c": "sha384",
  "2a864886f70d01010d": "sha512",
  "2a8648ce3d0401": "sha1",
  "2a8648ce3d040302": "sha256",
  "2a8648ce3d040303": "sha384",
  "2a8648ce3d040304": "sha512",
  // Ed25519 hashes for itself.
  "2b6570": null,
};

/** @param pem text with a block of type CERTIFICATE REQUEST @returns what is wrong with it */
export function requestError(pem: string): string | undefined {
  const block = /-----BEGIN CERTIFICATE REQUEST-----([\s\S]+?)-----END CERTIFICATE REQUEST-----/.exec(pem);
  if (!block) return "PEM block type must be CERTIFICATE REQUEST";
  try {
    return isSigned(Buffer.from(block[1]!, "base64")) ? undefined : "x509: signature does not match the request's key";
  } catch (error) {
    return `asn1: ${(error as Error).message}`;
  }
}

/** CertificationRequest: the information, the algorithm, the signature over the first. */
function isSigned(der: Buffer): boolean {
  const [info, algorithm, signature] = valuesIn(one(der, sequence).content);
  if (info?.tag !== sequence || algorithm?.tag !== sequence || signature?.tag !== bitString) {
    throw new Error("structure error: it is no certificate request");
  }
  const [oid] = valuesIn(algorithm.content);
  const name = oid?.tag === objectIdentifier ? oid.content.toString("hex") : "";
  const digest = digests[name];
  if (digest === undefined) throw new Error("unknown signature algorithm");
  // The first byte of a bit string counts unused bits: none.
  return verify(digest, info.whole, keyOf(info), signature.content.subarray(1));
}

/** CertificationRequestInfo: version, subject, subjectPKInfo, attributes. */
function keyOf(info: Value): KeyObject {
  const key = valuesIn(info.content)[2];
  if (key?.tag !== sequence) throw new Error("structure error: it has no public key");
  return createPublicKey({ key: key.whole, format: "der", type: "spki" });
}

function one(der: Buffer, tag: number): Value {
  const [value, ...more] = valuesIn(der);
  if (value?.tag !== tag || more.length > 0) throw new Error("syntax error: trailing data");
  return value;
}

function valuesIn(der: Buffer): Value[] {
  const values: Value[] = [];
  for (let at = 0; at < der.length;) {
    const value = valueAt(der, at);
    values.push(value);
    at += value.whole.length;
  }
  return values;
}

function valueAt(der: Buffer, at: number): Value {
  const first = der[at + 1] ?? 0;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 4 || at + 2 + lengthBytes > der.length) throw new Error("syntax error: data truncated");
  const length = lengthBytes === 0 ? first : der.readUIntBE(at + 2, lengthBytes);
  const start = at + 2 + lengthBytes;
  if (start + length > der.length) throw new Error("syntax error: data truncated");
  return { tag: der[at]!, content: der.subarray(start, start + length), whole: der.subarray(at, start + length) };
}
