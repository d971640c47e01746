/** A certificate from the cluster: a CertificateSigningRequest, and the wait until it is signed (client-go, util/certificate/csr). */
import { Informer } from "../../api/informer.ts";
import type { Client } from "../../api/client.ts";
import { resourceTypes } from "../../api/resource_types.ts";
import type { CertificateSigningRequest, New } from "../../model/kubernetes.ts";
import type { Clock } from "../../reconcile/clock.ts";

const { certificateSigningRequests } = resourceTypes;

export interface SigningRequest {
  readonly signerName: string;
  readonly usages: readonly string[];
  /** PEM. */
  readonly request: string;
}

/** Bound of one wait (certificateWaitTimeout); then it is asked for anew. */
const waitMs = 15 * 60_000;

/** @returns PEM @throws Error where it was denied, failed, or nobody decided in time */
export async function signedCertificate(
  client: Client,
  { signerName, usages, request }: SigningRequest,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<string> {
  const object: New<CertificateSigningRequest> = {
    metadata: { generateName: "csr-" },
    spec: { request: Buffer.from(request).toString("base64"), signerName, usages: [...usages] },
  };
  const { metadata } = await client.create(certificateSigningRequests, object);
  const { name } = metadata;
  return new Promise((resolve, reject) => {
    const informer = new Informer(client, certificateSigningRequests, {
      fieldSelector: `metadata.name=${name}`,
      clock,
      onError: () => undefined,
    });
    const end = (): void => {
      cancel();
      informer.stop();
      signal.removeEventListener("abort", stopped);
    };
    const fail = (why: string): void => {
      end();
      reject(new Error(`certificate signing request ${name} ${why}`));
    };
    const stopped = (): void => fail("is not waited for any more");
    const cancel = clock.after(waitMs, () => fail("was not signed in time"));
    signal.addEventListener("abort", stopped);
    const look = (one: CertificateSigningRequest): void => {
      const verdict = verdictOf(one);
      if (verdict === undefined) return;
      if ("refusal" in verdict) return fail(verdict.refusal);
      end();
      resolve(verdict.certificate);
    };
    informer.subscribe({
      onAdd: look,
      onUpdate: (_before, one) => look(one),
      onDelete: () => fail("was deleted before it was signed"),
    });
    informer.start();
  });
}

function verdictOf({ status }: CertificateSigningRequest) {
  for (const { type, reason, message } of status?.conditions ?? []) {
    const why = `, reason: ${reason ?? ""}, message: ${message ?? ""}`;
    if (type === "Denied") return { refusal: `is denied${why}` };
    if (type === "Failed") return { refusal: `failed${why}` };
  }
  const isApproved = status?.conditions?.some(({ type }) => type === "Approved");
  if (!isApproved || !status?.certificate) return undefined;
  return { certificate: Buffer.from(status.certificate, "base64").toString() };
}
