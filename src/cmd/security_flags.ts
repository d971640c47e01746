/** Flags of `fairlead server` that say who serves, who comes in and what they may do: kube-apiserver's. */
import { InvalidArgumentError, Option, type Command } from "commander";
import { admissionPluginNames } from "../controlplane/apiserver/admission/names.ts";
import { authorizationModes, type AuthorizationMode } from "../controlplane/apiserver/auth/authorizer.ts";
import type { SecurityFlags } from "../controlplane/server/options.ts";
import { listOf, repeated, repeatedWhole, truth } from "./flag_values.ts";

/** As commander gives them. */
export interface SecurityFlagValues {
  readonly clientCaFile?: string;
  readonly tokenAuthFile?: string;
  readonly tlsCertFile?: string;
  readonly tlsPrivateKeyFile?: string;
  readonly kubeletCertificateAuthority?: string;
  readonly kubeletPreferredAddressTypes?: readonly string[];
  readonly serviceAccountIssuer?: readonly [string, ...string[]];
  readonly apiAudiences?: readonly string[];
  readonly anonymousAuth: boolean;
  readonly authorizationMode: readonly AuthorizationMode[];
  readonly enableAdmissionPlugins?: readonly string[];
  readonly disableAdmissionPlugins?: readonly string[];
}

export function securing(command: Command): void {
  const addressTypes = ["Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP"];
  command
    .option("--client-ca-file <file>", "authorities whose client certificates are taken besides Fairlead's own")
    .option("--token-auth-file <file>", 'tokens that are taken: lines of token,user,uid,"group1,group2"')
    .option("--tls-cert-file <file>", "serving certificate, with its chain; default: one of Fairlead's own")
    .option("--tls-private-key-file <file>", "key of --tls-cert-file")
    .option("--kubelet-certificate-authority <file>", "authority of kubelets' certificates; default: not verified")
    .option("--kubelet-preferred-address-types <types>", "addresses to reach kubelets by", listOf(addressTypes))
    .option("--service-account-issuer <url>", "issuer of tokens; further ones are taken (repeatable)", issuer)
    .option("--api-audiences <names>", "audiences of tokens for this server; default: the issuers", repeated)
    .addOption(
      new Option("--anonymous-auth [bool]", "whether who brings no credentials is let in as system:anonymous")
        .argParser(truth)
        .preset("true")
        .default(true),
    )
    .addOption(
      new Option("--authorization-mode <modes>", "who is asked whether something is allowed, in order")
        .argParser(listOf(authorizationModes))
        .default(["Node", "RBAC"], "Node,RBAC"),
    )
    .option("--enable-admission-plugins <names>", "all that are there are on by default", plugins)
    .option("--disable-admission-plugins <names>", "admission plug-ins that are left out", plugins);
}

/** @throws CommanderError where flags do not go together */
export function securityOf(flags: SecurityFlagValues, command: Command): SecurityFlags {
  const { tlsCertFile, tlsPrivateKeyFile, enableAdmissionPlugins = [], disableAdmissionPlugins = [] } = flags;
  if ((tlsCertFile === undefined) !== (tlsPrivateKeyFile === undefined)) {
    command.error("error: options '--tls-cert-file' and '--tls-private-key-file' need each other");
  }
  const both = enableAdmissionPlugins.find((name) => disableAdmissionPlugins.includes(name));
  if (both !== undefined) {
    command.error(`error: options '--enable-admission-plugins' and '--disable-admission-plugins' both name ${both}`);
  }
  const given = {
    clientCaFile: flags.clientCaFile,
    tokenAuthFile: flags.tokenAuthFile,
    servingFiles: tlsCertFile && tlsPrivateKeyFile ? { certificate: tlsCertFile, key: tlsPrivateKeyFile } : undefined,
    kubeletAuthorityFile: flags.kubeletCertificateAuthority,
    kubeletAddressTypes: flags.kubeletPreferredAddressTypes,
    serviceAccountIssuers: flags.serviceAccountIssuer,
    apiAudiences: flags.apiAudiences,
    anonymousAuth: flags.anonymousAuth,
    authorizationModes: flags.authorizationMode,
    disabledAdmission: disableAdmissionPlugins,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

const plugins = listOf(admissionPluginNames);

function issuer(text: string, before: readonly string[] | undefined): readonly string[] {
  // Upstream's rule: what looks like a URL is one.
  if (text === "" || (text.includes(":") && !URL.canParse(text))) {
    throw new InvalidArgumentError("It must be a URL, or a name without a colon.");
  }
  return repeatedWhole(text, before);
}
