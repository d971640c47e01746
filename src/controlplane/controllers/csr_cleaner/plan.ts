/** Which requests for certificates are of no use any more (upstream: pkg/controller/certificates/cleaner). Pure. */
import type { CertificateSigningRequest } from "../../../model/kubernetes.ts";

const hourMs = 60 * 60 * 1000;
const decidedMs = hourMs;
const pendingMs = 24 * hourMs;

/** @param notAfterMs end of the certificate that was issued, if any */
export function isStale(
  { metadata, status }: CertificateSigningRequest,
  notAfterMs: number | undefined,
  nowMs: number,
): boolean {
  const conditions = status?.conditions ?? [];
  const isIssued = Boolean(status?.certificate);
  const isOlder = (time: string | undefined, ms: number): boolean =>
    time !== undefined && nowMs - Date.parse(time) > ms;
  if (conditions.length === 0 && isOlder(metadata.creationTimestamp, pendingMs)) return true;
  if (isIssued && notAfterMs !== undefined && notAfterMs < nowMs) return true;
  return conditions.some(({ type, lastUpdateTime }) => {
    const counts = type === "Denied" || type === "Failed" || (type === "Approved" && isIssued);
    return counts && isOlder(lastUpdateTime, decidedMs);
  });
}
