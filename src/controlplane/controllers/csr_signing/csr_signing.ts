/** Signs approved requests for certificates of the cluster's own signers. */
import { resourceTypes } from "../../../api/resource_types.ts";
import type { CertificateSigningRequest } from "../../../model/kubernetes.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { failed, isToSign, refusal, signed, termsOf } from "./plan.ts";

const { certificateSigningRequests } = resourceTypes;
const name = "certificatesigningrequest-signing-controller";

export const csrSigningController: ControllerRow = { name, account: "certificate-controller", make };

function make(context: ControllerContext): Controller {
  const { client, informers, authority, clock, options } = context;
  const requests = informers.of(certificateSigningRequests);
  const queue = controllerQueue(context, { name, reconcile });

  async function reconcile(key: string): Promise<undefined> {
    const request = requests.objects.get(key);
    if (!request || !isToSign(request)) return;
    const pem = Buffer.from(request.spec.request, "base64").toString();
    const why = refusal(request, await authority.read(pem));
    const written =
      why === undefined
        ? signed(request, await authority.sign(pem, termsOf(request, options.clusterSigningDurationMs, clock.now())))
        : failed(request, why, clock.now());
    await client.update(certificateSigningRequests, written, { subresource: "status" });
  }

  const onRequest = (request: CertificateSigningRequest): void => {
    if (isToSign(request)) queue.add(request.metadata.name);
  };
  requests.subscribe({ onAdd: onRequest, onUpdate: (_, request) => onRequest(request) });
  return { start: () => queue.start(), stop: () => queue.stop() };
}
