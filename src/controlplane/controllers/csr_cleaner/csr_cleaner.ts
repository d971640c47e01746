/** Deletes requests for certificates that are of no use any more. */
import { X509Certificate } from "node:crypto";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isNotFound } from "../../../api/status_error.ts";
import type { CertificateSigningRequest } from "../../../model/kubernetes.ts";
import type { Outcome } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { isStale } from "./plan.ts";

const { certificateSigningRequests } = resourceTypes;
const name = "certificatesigningrequest-cleaner-controller";
const pollMs = 60 * 60 * 1000;

export const csrCleanerController: ControllerRow = { name, account: "certificate-controller", make };

function make(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const requests = informers.of(certificateSigningRequests);
  const queue = controllerQueue(context, { name, workers: 1, reconcile });

  async function reconcile(key: string): Promise<Outcome> {
    const request = requests.objects.get(key);
    if (!request) return undefined;
    if (!isStale(request, endOf(request), clock.now())) return { againAfterMs: pollMs };
    const { uid } = request.metadata;
    await client
      .delete(certificateSigningRequests, request.metadata, { preconditions: { uid } })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    return undefined;
  }

  requests.subscribe({ onAdd: ({ metadata }) => queue.add(metadata.name) });
  return { start: () => queue.start(), stop: () => queue.stop() };
}

/** The first certificate's end; undefined where there is none that can be read. */
function endOf({ status }: CertificateSigningRequest): number | undefined {
  if (!status?.certificate) return undefined;
  try {
    return Date.parse(new X509Certificate(Buffer.from(status.certificate, "base64")).validTo);
  } catch {
    return undefined;
  }
}
