/**
 * The cluster's certificates under DIR/pki: an own authority, what it has signed, and their renewal.
 * The names of the files are kubeadm's, so that an operator's own authority is a matter of two files.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import path from "node:path";
import ipaddr from "ipaddr.js";
import { FairleadError } from "../../../errors/catalogue.ts";
import { privateMode, publicMode, readFileIfThere, writeFileWhole } from "./files.ts";
import { CertificateMaker } from "./maker.ts";
import type { CertificateTerms, RequestedCertificate } from "../../../model/certificate.ts";
import { namesOf, type KeyPair, type Profile, type SubjectNames } from "./x509.ts";

const dayMs = 24 * 60 * 60 * 1000;
const authorityLifeMs = 3650 * dayMs;
const leafLifeMs = 365 * dayMs;
/** Clocks of other machines may be behind ours. */
const backdatedMs = 5 * 60 * 1000;
/** The part of its life after which a certificate is renewed. */
const renewAfter = 2 / 3;
const authorityName = "kubernetes";

export interface PkiOptions {
  /** Where the files are, DIR/pki. */
  readonly folder: string;
  /** Wall clock in ms. */
  readonly now: () => number;
}

export class Pki {
  readonly #folder: string;
  readonly #now: () => number;
  readonly #maker = new CertificateMaker();
  #authority: KeyPair;

  private constructor({ folder, now }: PkiOptions, authority: KeyPair) {
    this.#folder = folder;
    this.#now = now;
    this.#authority = authority;
  }

  /**
   * Reads the authority, or makes it at the first start.
   *
   * @throws FairleadError CERTIFICATE_FILE that names the file that is wrong
   */
  static async open(options: PkiOptions): Promise<Pki> {
    const pki = new Pki(options, { certificate: "", key: "" });
    await pki.renewAuthority();
    return pki;
  }

  /** The authority's certificate, PEM. */
  get authorityCertificate(): string {
    return this.#authority.certificate;
  }

  /** The authority with its key, for who signs (certificates.k8s.io). */
  get authority(): KeyPair {
    return this.#authority;
  }

  /**
   * Reads the authority from its files. It is renewed with the same key and name, so that what it
   * signed stays good and clients that hold its older certificate trust it until that one ends.
   *
   * @returns whether it is another certificate than before
   */
  async renewAuthority(): Promise<boolean> {
    const before = this.#authority.certificate;
    const files = { certificate: this.#file("ca.crt"), key: this.#file("ca.key") };
    const key = readFileIfThere(files.key);
    const certificate = readFileIfThere(files.certificate);
    if (key === undefined && certificate !== undefined) {
      throw wrong(files.key, "it is missing, and its certificate is there");
    }
    if (key !== undefined && certificate !== undefined) {
      const parsed = parsedPair(files, { certificate, key });
      checkAuthority(files.certificate, parsed);
      this.#authority = { certificate, key };
      if (!this.#isDue(parsed)) return before !== certificate;
    }
    // A key without its certificate is what a crash at the first start leaves behind.
    const made = await this.#maker.authority(authorityName, this.#validity(authorityLifeMs), key);
    if (key === undefined) await writeFileWhole(files.key, made.key, privateMode);
    await writeFileWhole(files.certificate, made.certificate, publicMode);
    this.#authority = made;
    return true;
  }

  /**
   * The certificate of a file, made where it is not there, and again where it ends soon, says
   * something else than asked or was signed by an authority that has been replaced. It stands in one
   * file with its key, so that no crash separates the two.
   *
   * @param name the file is `<name>.pem`
   * @throws FairleadError CERTIFICATE_FILE where the file is spoiled
   */
  async certificate(name: string, profile: Profile): Promise<KeyPair> {
    const file = this.#file(`${name}.pem`);
    const text = readFileIfThere(file);
    if (text !== undefined) {
      const found = { certificate: block(file, text, "CERTIFICATE"), key: block(file, text, "PRIVATE KEY") };
      if (this.#isGood(parsedPair({ certificate: file, key: file }, found), profile)) return found;
    }
    const made = await this.#maker.certificate(this.#authority, profile, this.#validity(leafLifeMs));
    await writeFileWhole(file, made.certificate + made.key, privateMode);
    return made;
  }

  /** What a certificate signing request asks for. @param request PEM @throws Error where it is none */
  read(request: string): Promise<RequestedCertificate> {
    return this.#maker.read(request);
  }

  /** Signs a request with the authority. @returns PEM @throws Error where the request is none */
  sign(request: string, terms: CertificateTerms): Promise<string> {
    return this.#maker.signed(this.#authority, request, terms);
  }

  #isGood(certificate: X509Certificate, profile: Profile): boolean {
    const authority = new X509Certificate(this.#authority.certificate);
    return (
      !this.#isDue(certificate) &&
      certificate.checkIssued(authority) &&
      certificate.verify(authority.publicKey) &&
      saysSubject(certificate, profile) &&
      covers(namesOf(certificate), profile.names)
    );
  }

  #isDue(certificate: X509Certificate): boolean {
    const from = Date.parse(certificate.validFrom);
    const life = Date.parse(certificate.validTo) - from;
    return this.#now() >= from + life * renewAfter;
  }

  #validity(lifeMs: number): { fromMs: number; toMs: number } {
    // X.509 counts in seconds.
    const now = Math.floor(this.#now() / 1000) * 1000;
    return { fromMs: now - backdatedMs, toMs: now + lifeMs };
  }

  #file(name: string): string {
    return path.join(this.#folder, name);
  }
}

function saysSubject(certificate: X509Certificate, { commonName, organizations }: Profile): boolean {
  const lines = certificate.subject.split("\n");
  const said = lines.filter((line) => line.startsWith("O=")).map((line) => line.slice(2));
  return lines.includes(`CN=${commonName}`) && sameSet(said, organizations);
}

function covers(had: SubjectNames, wanted: SubjectNames): boolean {
  const ips = new Set(had.ip.map(plainAddress));
  return wanted.dns.every((name) => had.dns.includes(name)) && wanted.ip.every((ip) => ips.has(plainAddress(ip)));
}

function plainAddress(text: string): string {
  return ipaddr.isValid(text) ? ipaddr.parse(text).toNormalizedString() : text;
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item));
}

/** A name of an operator's own authority need not be ours; a renewal would change it. */
function checkAuthority(file: string, certificate: X509Certificate): void {
  if (!certificate.ca) throw wrong(file, "it is not a certificate authority");
  if (!certificate.verify(certificate.publicKey)) throw wrong(file, "its signature is not its own key's");
}

function block(file: string, text: string, label: string): string {
  const found = new RegExp(`-----BEGIN ${label}-----[^-]*-----END ${label}-----`).exec(text)?.[0];
  if (found === undefined) throw wrong(file, `it holds no PEM block '${label}'`);
  return `${found}\n`;
}

function parsedPair(files: KeyPair, { certificate, key }: KeyPair): X509Certificate {
  const parsed = parsedFile(files.certificate, () => new X509Certificate(certificate));
  const privateKey = parsedFile(files.key, () => createPrivateKey(key));
  if (!parsed.checkPrivateKey(privateKey)) throw wrong(files.key, "the private key is not the certificate's");
  return parsed;
}

function parsedFile<T>(file: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw new FairleadError("CERTIFICATE_FILE", { subject: file, cause });
  }
}

function wrong(subject: string, reason: string): FairleadError {
  return new FairleadError("CERTIFICATE_FILE", { subject, reason });
}
