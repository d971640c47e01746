/**
 * The keys that sign service-account tokens: one signs, and the ones before it still verify, so that
 * tokens live through a rotation.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { mkdirSync, readdirSync } from "node:fs";
import path from "node:path";
import { FairleadError } from "../../../errors/catalogue.ts";
import { privateMode, publicMode, readFileIfThere, writeFileWhole } from "./files.ts";
import { newKey } from "./x509.ts";

export interface VerifyingKey {
  /** Key id: base64url of the SHA-256 of the public key's SubjectPublicKeyInfo, as upstream's. */
  readonly id: string;
  readonly algorithm: "ES256" | "RS256";
  readonly publicKey: KeyObject;
}

export interface SigningKey extends VerifyingKey {
  readonly privateKey: KeyObject;
}

export class SigningKeys {
  readonly #folder: string;
  #current: SigningKey;
  readonly #retired = new Map<string, VerifyingKey>();

  private constructor(folder: string, current: SigningKey) {
    this.#folder = folder;
    this.#current = current;
  }

  /** Reads `sa.key`, or makes it, and the public keys that were retired. @throws FairleadError CERTIFICATE_FILE */
  static async open(folder: string): Promise<SigningKeys> {
    const file = path.join(folder, "sa.key");
    let text = readFileIfThere(file);
    if (text === undefined) {
      text = await newKey();
      await writeFileWhole(file, text, privateMode);
    }
    const keys = new SigningKeys(folder, signingKey(file, text));
    keys.#readRetired();
    return keys;
  }

  get current(): SigningKey {
    return this.#current;
  }

  /** @returns undefined where the key is none of ours */
  find(id: string): VerifyingKey | undefined {
    return id === this.#current.id ? this.#current : this.#retired.get(id);
  }

  /** Every key that a token may be signed by, the one in use first. */
  all(): VerifyingKey[] {
    return [this.#current, ...this.#retired.values()];
  }

  /** Signs with a new key from now on. The old one's public half is kept first: a crash loses no token. */
  async rotate(): Promise<void> {
    const old = this.#current;
    const publicPem = old.publicKey.export({ type: "spki", format: "pem" }).toString();
    await writeFileWhole(path.join(this.#folder, `sa-${old.id}.pub`), publicPem, publicMode);
    const text = await newKey();
    const file = path.join(this.#folder, "sa.key");
    await writeFileWhole(file, text, privateMode);
    this.#retired.set(old.id, old);
    this.#current = signingKey(file, text);
  }

  #readRetired(): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(this.#folder)) {
      if (!/^sa-.*\.pub$/.test(name)) continue;
      const file = path.join(this.#folder, name);
      const key = verifyingKey(file, () => createPublicKey(readFileIfThere(file) ?? ""));
      if (key.id !== this.#current.id) this.#retired.set(key.id, key);
    }
  }
}

function signingKey(file: string, pem: string): SigningKey {
  const privateKey = parsed(file, () => createPrivateKey(pem));
  return { ...verifyingKey(file, () => createPublicKey(privateKey)), privateKey };
}

function verifyingKey(file: string, parse: () => KeyObject): VerifyingKey {
  const publicKey = parsed(file, parse);
  const spki = publicKey.export({ type: "spki", format: "der" });
  const id = createHash("sha256").update(spki).digest("base64url");
  return { id, algorithm: algorithmOf(file, publicKey), publicKey };
}

function algorithmOf(file: string, { asymmetricKeyType, asymmetricKeyDetails }: KeyObject): "ES256" | "RS256" {
  if (asymmetricKeyType === "rsa") return "RS256";
  if (asymmetricKeyType === "ec" && asymmetricKeyDetails?.namedCurve === "prime256v1") return "ES256";
  throw new FairleadError("CERTIFICATE_FILE", { subject: file, reason: "it is neither an RSA nor an ECDSA P-256 key" });
}

function parsed<T>(file: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new FairleadError("CERTIFICATE_FILE", { subject: file, cause });
  }
}
