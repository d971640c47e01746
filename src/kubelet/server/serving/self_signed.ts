/** The certificate of a kubelet that was given none: its own word, in kubelet.crt and kubelet.key of --cert-dir. */
import { randomBytes, webcrypto } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { isIP } from "node:net";
import path from "node:path";
import { writeWhole } from "../../../files/whole.ts";
import { FairleadError } from "../../../errors/catalogue.ts";
import type { CertificateFiles } from "./files.ts";
import type { ServingCertificate } from "./source.ts";

const hourMs = 3_600_000;
const yearMs = 365 * 24 * hourMs;
const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const serverAuth = "1.3.6.1.5.5.7.3.1";

/** Makes the files where they are not there (client-go, util/cert). @throws FairleadError CERTIFICATE_FILE */
export async function ensureSelfSigned(
  folder: string,
  names: readonly string[],
  nowMs: number,
): Promise<CertificateFiles> {
  const files = { certFile: path.join(folder, "kubelet.crt"), keyFile: path.join(folder, "kubelet.key") };
  if (existsSync(files.certFile) && existsSync(files.keyFile)) return files;
  try {
    await mkdir(folder, { recursive: true });
    const { cert, key } = await makeSelfSigned(names, nowMs);
    await writeWhole(files.keyFile, key, 0o600);
    await writeWhole(files.certFile, cert, 0o644);
  } catch (cause) {
    throw new FairleadError("CERTIFICATE_FILE", { subject: files.certFile, cause });
  }
  return files;
}

/** @param names the host's first: names and addresses under which it is reached */
async function makeSelfSigned(names: readonly string[], nowMs: number): Promise<ServingCertificate> {
  // The library's container of services reads its metadata through this polyfill.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  x509.cryptoProvider.set(webcrypto as never);
  const keys = await webcrypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
  const usages = x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomBytes(16).toString("hex"),
    name: [{ CN: [`${names[0]}@${Math.floor(nowMs / 1000)}`] }],
    notBefore: new Date(nowMs - hourMs),
    notAfter: new Date(nowMs + yearMs),
    keys: keys as never,
    signingAlgorithm: ecdsa,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(usages, true),
      new x509.ExtendedKeyUsageExtension([serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? ("dns" as const) : ("ip" as const), value })),
      ),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey));
  const lines = pkcs8.toString("base64").replace(/.{64}/g, "$&\n").trimEnd();
  const key = `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`;
  return { cert: `${certificate.toString("pem")}\n`, key };
}
