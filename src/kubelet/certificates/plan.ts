/** When a certificate is renewed, and what one asks for (client-go, certificate_manager.go; pkg/kubelet/certificate). */
import { parseIp } from "../../model/address.ts";
import type { HeldCertificate } from "./store.ts";

export interface CertificateTemplate {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly names: { readonly dns: readonly string[]; readonly ip: readonly string[] };
}

/** @param chance 0 to 1: nodes that were made together do not renew together @returns at 70 to 90 % of its life */
export function renewalMs({ notBeforeMs, notAfterMs }: HeldCertificate, chance: number): number {
  return notBeforeMs + (notAfterMs - notBeforeMs) * (0.7 + 0.2 * chance);
}

export function clientTemplate(nodeName: string): CertificateTemplate {
  return { ...subjectOf(nodeName), names: { dns: [], ip: [] } };
}

/** @param addresses of the Node's status @returns undefined where there is nothing yet to ask for */
export function servingTemplate(
  nodeName: string,
  addresses: readonly { readonly type: string; readonly address: string }[],
): CertificateTemplate | undefined {
  const dns = new Set<string>();
  const ip = new Set<string>();
  for (const { type, address } of addresses) {
    if (address === "") continue;
    if (parseIp(address) !== undefined) ip.add(address);
    else if (["Hostname", "InternalDNS", "ExternalDNS"].includes(type)) dns.add(address);
  }
  // A name alone can be anybody's (AllowDNSOnlyNodeCSR).
  if (ip.size === 0) return undefined;
  return { ...subjectOf(nodeName), names: { dns: [...dns].sort(), ip: [...ip].sort() } };
}

function subjectOf(nodeName: string): Pick<CertificateTemplate, "commonName" | "organizations"> {
  return { commonName: `system:node:${nodeName}`, organizations: ["system:nodes"] };
}

/** Whether it says what is asked for, and maybe more: addresses that went do no harm. */
export function satisfies({ subject, names }: HeldCertificate, template: CertificateTemplate): boolean {
  const lines = subject.split("\n");
  if (!lines.includes(`CN=${template.commonName}`)) return false;
  if (!template.organizations.every((name) => lines.includes(`O=${name}`))) return false;
  const has = new Set(names.split(", "));
  const addresses = [...has].filter((one) => one.startsWith("IP Address:")).map((one) => parseIp(one.slice(11)));
  return (
    template.names.dns.every((name) => has.has(`DNS:${name}`)) &&
    template.names.ip.every((ip) => addresses.includes(parseIp(ip)))
  );
}
