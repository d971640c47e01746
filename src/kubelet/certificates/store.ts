/**
 * A certificate with its key in one file of --cert-dir, under upstream's names (client-go, certificate_store.go):
 * NAME-2026-01-02-15-04-05.pem, and NAME-current.pem, a link to the newest.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdir, readFile, rename, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { writeWhole } from "../../files/whole.ts";

export interface HeldCertificate {
  /** PEM, with what leads to the authority. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly subject: string;
  /** "DNS:name, IP Address:192.0.2.1"; "" where there are none. */
  readonly names: string;
}

const blocks = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]+?-----END \1-----/g;

/** @param text PEM of certificates and a key @throws Error where one lacks, or they are of two pairs */
export function heldCertificate(text: string): HeldCertificate {
  const found = [...text.matchAll(blocks)];
  const certificates = found.filter(([, kind]) => kind === "CERTIFICATE").map(([block]) => block);
  const key = found.find(([, kind]) => kind!.endsWith("PRIVATE KEY"))?.[0];
  if (certificates.length === 0 || key === undefined) throw new Error("a certificate and its key are not there");
  const leaf = new X509Certificate(certificates[0]!);
  if (!leaf.checkPrivateKey(createPrivateKey(key))) throw new Error("the key is not the certificate's");
  return {
    cert: `${certificates.join("\n")}\n`,
    key: `${key}\n`,
    notBeforeMs: Date.parse(leaf.validFrom),
    notAfterMs: Date.parse(leaf.validTo),
    subject: leaf.subject,
    names: leaf.subjectAltName ?? "",
  };
}

export class CertificateStore {
  /** What others name: a kubeconfig, tlsCertFile. */
  readonly currentFile: string;
  readonly #folder: string;
  readonly #name: string;

  /** @param name "kubelet-client" */
  constructor(folder: string, name: string) {
    this.#folder = path.resolve(folder);
    this.#name = name;
    this.currentFile = path.join(this.#folder, `${name}-current.pem`);
  }

  /** @returns undefined where there is none @throws Error where it is spoiled */
  async read(): Promise<HeldCertificate | undefined> {
    const text = await readFile(this.currentFile, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    return text === undefined ? undefined : heldCertificate(text);
  }

  /** At once, and never half: who opens the link sees the one or the other. */
  async write(cert: string, key: string, nowMs: number): Promise<HeldCertificate> {
    const held = heldCertificate(`${cert}\n${key}`);
    await mkdir(this.#folder, { recursive: true, mode: 0o755 });
    const file = path.join(this.#folder, `${this.#name}-${stamp(nowMs)}.pem`);
    await writeWhole(file, held.cert + held.key, 0o600);
    const link = path.join(this.#folder, `${this.#name}-updated.pem`);
    await rm(link, { force: true });
    await symlink(file, link);
    await rename(link, this.currentFile);
    return held;
  }
}

/** "2026-01-02-15-04-05" */
function stamp(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 19).replace(/[T:]/g, "-");
}
