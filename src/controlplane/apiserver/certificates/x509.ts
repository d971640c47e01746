/** Making X.509 certificates (RFC 5280). The library is loaded only where one is made: most starts make none. */
import { createPrivateKey, createPublicKey, randomBytes, webcrypto, type X509Certificate } from "node:crypto";
import type * as Library from "@peculiar/x509";

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface SubjectNames {
  readonly dns: readonly string[];
  /** IPv4 and IPv6 addresses as text. */
  readonly ip: readonly string[];
}

/** What a certificate is to say. */
export interface Profile {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly usage: "server" | "client";
  readonly names: SubjectNames;
}

/** When a certificate begins and ends, in ms of the wall clock. */
export interface Validity {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What a certificate signing request asks for. */
export type RequestProfile = Pick<Profile, "commonName" | "organizations" | "names">;

/** A certificate signing request (RFC 2986) and its private key, both PEM. */
export interface RequestPair {
  readonly request: string;
  readonly key: string;
}

type CryptoKey = webcrypto.CryptoKey;

const serverAuth = "1.3.6.1.5.5.7.3.1";
const clientAuth = "1.3.6.1.5.5.7.3.2";
const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } as const;

/** A certificate authority that signs itself. @param key PEM of the key to keep, where there is one */
export async function makeAuthority(commonName: string, validity: Validity, key?: string): Promise<KeyPair> {
  const library = await loadX509();
  const keyPem = key ?? (await newKey());
  const { signing, verifying, algorithm } = await cryptoKeys(keyPem);
  const { KeyUsageFlags } = library;
  const certificate = await library.X509CertificateGenerator.create({
    ...commonFields([{ CN: [commonName] }], validity),
    issuer: [{ CN: [commonName] }],
    publicKey: verifying,
    signingKey: signing,
    signingAlgorithm: algorithm,
    extensions: [
      new library.BasicConstraintsExtension(true, undefined, true),
      new library.KeyUsagesExtension(
        KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment | KeyUsageFlags.keyCertSign,
        true,
      ),
      await library.SubjectKeyIdentifierExtension.create(verifying),
    ],
  });
  return { certificate: pem(certificate.toString("pem")), key: keyPem };
}

/** A certificate with a new key, signed by the authority; it ends with the authority at the latest. */
export async function issue(authority: KeyPair, profile: Profile, validity: Validity): Promise<KeyPair> {
  const library = await loadX509();
  const key = await newKey();
  const own = await cryptoKeys(key);
  const signer = await cryptoKeys(authority.key);
  const parent = new library.X509Certificate(authority.certificate);
  const certificate = await library.X509CertificateGenerator.create({
    ...commonFields(subjectOf(profile), {
      fromMs: Math.max(validity.fromMs, parent.notBefore.getTime()),
      toMs: Math.min(validity.toMs, parent.notAfter.getTime()),
    }),
    issuer: parent.subjectName.toJSON(),
    publicKey: own.verifying,
    signingKey: signer.signing,
    signingAlgorithm: signer.algorithm,
    extensions: [
      new library.BasicConstraintsExtension(false, undefined, true),
      new library.KeyUsagesExtension(
        library.KeyUsageFlags.digitalSignature | library.KeyUsageFlags.keyEncipherment,
        true,
      ),
      new library.ExtendedKeyUsageExtension([profile.usage === "server" ? serverAuth : clientAuth]),
      await library.AuthorityKeyIdentifierExtension.create(signer.verifying),
      ...alternativeNames(library, profile.names),
    ],
  });
  return { certificate: pem(certificate.toString("pem")), key };
}

/** A request of a new key. */
export async function makeRequest(profile: RequestProfile): Promise<RequestPair> {
  const library = await loadX509();
  const key = await newKey();
  const { signing, verifying, algorithm } = await cryptoKeys(key);
  const request = await library.Pkcs10CertificateRequestGenerator.create({
    name: subjectOf(profile),
    keys: { privateKey: signing, publicKey: verifying },
    signingAlgorithm: algorithm,
    extensions: alternativeNames(library, profile.names),
  });
  return { request: pem(request.toString("pem")), key };
}

function subjectOf({ organizations, commonName }: RequestProfile): Record<string, string[]>[] {
  return [...organizations.map((organization) => ({ O: [organization] })), { CN: [commonName] }];
}

function commonFields(subject: Record<string, string[]>[], { fromMs, toMs }: Validity) {
  // A positive number of 64 random bits (RFC 5280, 4.1.2.2).
  const serial = randomBytes(8);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  return { serialNumber: serial.toString("hex"), subject, notBefore: new Date(fromMs), notAfter: new Date(toMs) };
}

function alternativeNames(library: typeof Library, { dns, ip }: SubjectNames) {
  const names = [
    ...dns.map((value) => ({ type: "dns" as const, value })),
    ...ip.map((value) => ({ type: "ip" as const, value })),
  ];
  return names.length === 0 ? [] : [new library.SubjectAlternativeNameExtension(names)];
}

/** A new ECDSA P-256 private key, PKCS #8 PEM. */
export async function newKey(): Promise<string> {
  const { privateKey } = await webcrypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
  const bytes = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", privateKey));
  return createPrivateKey({ key: bytes, format: "der", type: "pkcs8" })
    .export({ type: "pkcs8", format: "pem" })
    .toString();
}

/** An operator's own authority may have an RSA key. */
async function cryptoKeys(keyPem: string): Promise<{
  signing: CryptoKey;
  verifying: CryptoKey;
  algorithm: typeof ecdsa | typeof rsa;
}> {
  const key = createPrivateKey(keyPem);
  const algorithm = key.asymmetricKeyType === "rsa" ? rsa : ecdsa;
  const pkcs8 = key.export({ type: "pkcs8", format: "der" });
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  const { subtle } = webcrypto;
  return {
    signing: await subtle.importKey("pkcs8", pkcs8, algorithm, true, ["sign"]),
    verifying: await subtle.importKey("spki", spki, algorithm, true, ["verify"]),
    algorithm,
  };
}

/** Loads the library: some 300 ms, so only where a certificate is made or a request is read. */
export async function loadX509(): Promise<typeof Library> {
  // The library's container of services reads its metadata through this polyfill.
  await import("reflect-metadata");
  const library = await import("@peculiar/x509");
  library.cryptoProvider.set(webcrypto as never);
  return library;
}

function pem(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}

/** The names of a certificate's subjectAltName, as node shows them. */
export function namesOf(certificate: X509Certificate): SubjectNames {
  const entries = (certificate.subjectAltName ?? "").split(", ").filter((entry) => entry !== "");
  const valuesOf = (type: string): string[] =>
    entries.filter((entry) => entry.startsWith(type)).map((entry) => entry.slice(type.length));
  return { dns: valuesOf("DNS:"), ip: valuesOf("IP Address:") };
}
