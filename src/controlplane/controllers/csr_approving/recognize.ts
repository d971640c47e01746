/** What a request for a certificate is for (upstream: pkg/apis/certificates/helpers.go). Pure. */
import type { RequestedCertificate } from "../../../model/certificate.ts";

const nodes = "system:nodes";
const nodePrefix = "system:node:";

/** @returns why it is none of a kubelet as a client, or undefined where it is one */
export function notKubeletClient(request: RequestedCertificate, usages: readonly string[]): string | undefined {
  if (!isOfNodes(request)) return "subject organization is not system:nodes";
  if (request.dnsNames.length > 0) return "DNS subjectAltNames are not allowed";
  if (request.emailAddresses.length > 0) return "Email subjectAltNames are not allowed";
  if (request.ipAddresses.length > 0) return "IP subjectAltNames are not allowed";
  if (request.uris.length > 0) return "URI subjectAltNames are not allowed";
  if (!request.commonName.startsWith(nodePrefix)) return "subject common name does not begin with system:node:";
  return notUsages(usages, "client auth");
}

/** @returns why it is none of a kubelet as a server, or undefined where it is one */
export function notKubeletServing(request: RequestedCertificate, usages: readonly string[]): string | undefined {
  if (!isOfNodes(request)) return "subject organization is not system:nodes";
  if (request.dnsNames.length === 0 && request.ipAddresses.length === 0) return "DNS or IP subjectAltName is required";
  if (request.emailAddresses.length > 0) return "Email subjectAltNames are not allowed";
  if (request.uris.length > 0) return "URI subjectAltNames are not allowed";
  const usage = notUsages(usages, "server auth");
  if (usage !== undefined) return usage;
  return request.commonName.startsWith(nodePrefix) ? undefined : "subject common name does not begin with system:node:";
}

function isOfNodes({ organizations }: RequestedCertificate): boolean {
  return organizations.length === 1 && organizations[0] === nodes;
}

/** Keys that only sign (ECDSA) need no encipherment. */
function notUsages(usages: readonly string[], auth: "client auth" | "server auth"): string | undefined {
  const required = auth === "client auth" ? [auth, "digital signature"] : ["digital signature", auth];
  const withEncipherment = [...required, "key encipherment"].sort();
  const given = new Set(usages);
  const isExactly = (wanted: readonly string[]): boolean =>
    given.size === wanted.length && wanted.every((usage) => given.has(usage));
  if (isExactly(required) || isExactly(withEncipherment)) return undefined;
  return `usages did not match [${withEncipherment.join(" ")}]`;
}

/** @returns why it is none for a client of the API server, or undefined where it is one */
export function notApiClient(usages: readonly string[]): string | undefined {
  const other = usages.find((usage) => !["digital signature", "key encipherment", "client auth"].includes(usage));
  if (other !== undefined) return `invalid usage for client certificate: ${other}`;
  return usages.includes("client auth") ? undefined : "missing required usage for client certificate: client auth";
}
