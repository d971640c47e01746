/** Certificates and keys: what the server says it is, and whom it believes. */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import { createSecureContext } from "node:tls";
import { FairleadError } from "../../errors/catalogue.ts";
import type { ApiServerOptions } from "./api_server.ts";
import { writeKubeconfig } from "./certificates/kubeconfig.ts";
import { Pki } from "./certificates/pki.ts";
import { clientProfile, defaultAdvertiseAddress, servingProfile } from "./certificates/serving.ts";
import { SigningKeys } from "./certificates/signing_keys.ts";
import type { Profile } from "./certificates/x509.ts";
import type { KubeletCredentials } from "./subresources/backend.ts";

export interface IdentityOptions {
  /** pki/ and admin.kubeconfig are in it. */
  readonly dataDir: string;
  /** --bind-address */
  readonly host: string;
  readonly advertiseAddress?: string;
  readonly tlsSans?: readonly string[];
  readonly serviceCidrs: readonly string[];
  /** --client-ca-file: authorities whose client certificates are taken besides our own. */
  readonly clientCaFile?: string;
  /** --tls-cert-file and --tls-private-key-file: a serving certificate of the user's; read again when it changes. */
  readonly servingFiles?: { readonly certificate: string; readonly key: string };
  /** --kubelet-certificate-authority; absent: kubelets' certificates are not verified, as upstream. */
  readonly kubeletAuthorityFile?: string;
}

type Tls = NonNullable<ApiServerOptions["http"]["tls"]>;

/** Who the server is to kubelets: kubeadm's name. */
const kubeletClientProfile = clientProfile("kube-apiserver-kubelet-client", ["system:masters"]);
const adminProfile = clientProfile("kubernetes-admin", ["system:masters"]);

export class Identity {
  readonly pki: Pki;
  readonly signingKeys: SigningKeys;
  readonly advertiseAddress: string | undefined;
  readonly adminKubeconfig: string;
  readonly #serving: Profile;
  readonly #servingFiles: IdentityOptions["servingFiles"];
  readonly #clientAuthorities: readonly string[];
  readonly #kubeletAuthority: string | undefined;

  private constructor(options: IdentityOptions, pki: Pki, signingKeys: SigningKeys) {
    this.pki = pki;
    this.signingKeys = signingKeys;
    this.advertiseAddress = options.advertiseAddress ?? defaultAdvertiseAddress(options.host);
    this.adminKubeconfig = path.join(options.dataDir, "admin.kubeconfig");
    this.#serving = servingProfile({
      hostname: hostname(),
      advertiseAddress: this.advertiseAddress,
      serviceCidrs: options.serviceCidrs,
      tlsSans: options.tlsSans ?? [],
    });
    this.#servingFiles = options.servingFiles;
    this.#clientAuthorities = options.clientCaFile === undefined ? [] : [readMaterial(options.clientCaFile)];
    this.#kubeletAuthority =
      options.kubeletAuthorityFile === undefined ? undefined : readMaterial(options.kubeletAuthorityFile);
  }

  static async open(options: IdentityOptions, now: () => number): Promise<Identity> {
    const folder = path.join(options.dataDir, "pki");
    return new Identity(options, await Pki.open({ folder, now }), await SigningKeys.open(folder));
  }

  /** The serving certificate: the user's as its files are now, else our own, renewed where that is due. */
  async tls(): Promise<Tls> {
    const ca = [this.pki.authorityCertificate, ...this.#clientAuthorities];
    const given = this.#given();
    if (given) return { ...given, ca };
    const { certificate, key } = await this.pki.certificate("apiserver", this.#serving);
    return { cert: certificate, key, ca };
  }

  /** @throws FairleadError CERTIFICATE_FILE where the files are no pair */
  #given(): { readonly cert: string; readonly key: string } | undefined {
    if (!this.#servingFiles) return undefined;
    const { certificate, key } = this.#servingFiles;
    const given = { cert: readMaterial(certificate), key: readMaterial(key) };
    try {
      createSecureContext(given);
    } catch (cause) {
      throw new FairleadError("CERTIFICATE_FILE", { subject: certificate, cause });
    }
    return given;
  }

  async kubeletCredentials(): Promise<KubeletCredentials> {
    const { certificate, key } = await this.pki.certificate("apiserver-kubelet-client", kubeletClientProfile);
    return { cert: certificate, key, ...(this.#kubeletAuthority === undefined ? {} : { ca: this.#kubeletAuthority }) };
  }

  async writeAdminKubeconfig(server: string): Promise<void> {
    await writeKubeconfig(this.adminKubeconfig, {
      server,
      // What serves a certificate of another authority is known by that certificate itself.
      authority: this.pki.authorityCertificate + (this.#given()?.cert ?? ""),
      client: await this.pki.certificate("admin", adminProfile),
      user: "kubernetes-admin",
    });
  }
}

function readMaterial(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new FairleadError("CERTIFICATE_FILE", { subject: file, cause });
  }
}
