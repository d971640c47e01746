/** Signs certificate requests with the cluster's authority (upstream: pkg/controller/certificates/authority). */
import { createPrivateKey, createPublicKey, randomBytes, webcrypto } from "node:crypto";
import type * as Library from "@peculiar/x509";
import type { CertificateTerms, RequestedCertificate } from "../../../model/certificate.ts";
import { loadX509, type KeyPair } from "./x509.ts";

/** Bits of keyUsage by the API's names (certificates.k8s.io KeyUsage); some have two. */
const keyUsages = {
  signing: "digitalSignature",
  "digital signature": "digitalSignature",
  "content commitment": "nonRepudiation",
  "key encipherment": "keyEncipherment",
  "key agreement": "keyAgreement",
  "data encipherment": "dataEncipherment",
  "cert sign": "keyCertSign",
  "crl sign": "cRLSign",
  "encipher only": "encipherOnly",
  "decipher only": "decipherOnly",
} as const satisfies Record<string, keyof typeof Library.KeyUsageFlags>;

/** Object identifiers of extendedKeyUsage (RFC 5280, 4.2.1.12) by the API's names. */
const extendedUsages: Readonly<Record<string, string>> = {
  any: "2.5.29.37.0",
  "server auth": "1.3.6.1.5.5.7.3.1",
  "client auth": "1.3.6.1.5.5.7.3.2",
  "code signing": "1.3.6.1.5.5.7.3.3",
  "email protection": "1.3.6.1.5.5.7.3.4",
  "s/mime": "1.3.6.1.5.5.7.3.4",
  "ipsec end system": "1.3.6.1.5.5.7.3.5",
  "ipsec tunnel": "1.3.6.1.5.5.7.3.6",
  "ipsec user": "1.3.6.1.5.5.7.3.7",
  timestamping: "1.3.6.1.5.5.7.3.8",
  "ocsp signing": "1.3.6.1.5.5.7.3.9",
  "microsoft sgc": "1.3.6.1.4.1.311.10.3.3",
  "netscape sgc": "2.16.840.1.113730.4.1",
};

/** @param request PEM @throws Error where it is none */
export async function readRequest(request: string): Promise<RequestedCertificate> {
  const library = await loadX509();
  const parsed = new library.Pkcs10CertificateRequest(request);
  const names = alternativeNames(library, parsed)?.names.toJSON() ?? [];
  const of = (type: string): string[] => names.filter((name) => name.type === type).map(({ value }) => value);
  return {
    commonName: parsed.subjectName.getField("CN").at(-1) ?? "",
    organizations: parsed.subjectName.getField("O"),
    dnsNames: of("dns"),
    emailAddresses: of("email"),
    ipAddresses: of("ip"),
    uris: of("url"),
  };
}

/** @returns PEM @throws Error where the request is none, or its signature is not its key's */
export async function signRequest(authority: KeyPair, request: string, terms: CertificateTerms): Promise<string> {
  const library = await loadX509();
  const parsed = new library.Pkcs10CertificateRequest(request);
  if (!(await parsed.verify())) throw new Error("the request's signature is not its own key's");
  const parent = new library.X509Certificate(authority.certificate);
  const signer = await signingKey(authority.key);
  const names = alternativeNames(library, parsed);
  const certificate = await library.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: parsed.subjectName.toJSON(),
    issuer: parent.subjectName.toJSON(),
    notBefore: new Date(terms.fromMs),
    notAfter: new Date(Math.min(terms.toMs, parent.notAfter.getTime())),
    publicKey: parsed.publicKey,
    signingKey: signer.key,
    signingAlgorithm: signer.algorithm,
    extensions: [
      ...usageExtensions(library, terms.usages),
      new library.BasicConstraintsExtension(false, undefined, true),
      await library.AuthorityKeyIdentifierExtension.create(parent.publicKey),
      ...(names ? [names] : []),
    ],
  });
  const pem = certificate.toString("pem");
  return pem.endsWith("\n") ? pem : `${pem}\n`;
}

function alternativeNames(
  library: typeof Library,
  request: Library.Pkcs10CertificateRequest,
): Library.SubjectAlternativeNameExtension | undefined {
  return request.extensions.find((one) => one instanceof library.SubjectAlternativeNameExtension);
}

function usageExtensions(library: typeof Library, usages: readonly string[]): Library.Extension[] {
  let flags = 0;
  const extended = new Set<string>();
  for (const usage of usages) {
    if (usage in keyUsages) flags |= library.KeyUsageFlags[keyUsages[usage as keyof typeof keyUsages]];
    else if (extendedUsages[usage] !== undefined) extended.add(extendedUsages[usage]);
    else throw new Error(`unrecognized usage values: ${JSON.stringify([usage])}`);
  }
  return [
    ...(flags === 0 ? [] : [new library.KeyUsagesExtension(flags, true)]),
    ...(extended.size === 0 ? [] : [new library.ExtendedKeyUsageExtension([...extended])]),
  ];
}

/** A positive number of 64 random bits (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
  const serial = randomBytes(8);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  return serial.toString("hex");
}

/** An operator's own authority may have an RSA key, or one of another curve. */
async function signingKey(pem: string) {
  const key = createPrivateKey(pem);
  const pkcs8 = key.export({ type: "pkcs8", format: "der" });
  const namedCurve = createPublicKey(key).export({ format: "jwk" })["crv"];
  const algorithm =
    key.asymmetricKeyType === "rsa"
      ? { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }
      : { name: "ECDSA", namedCurve: namedCurve as string, hash: "SHA-256" };
  return { key: await webcrypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]), algorithm };
}
