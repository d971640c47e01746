/** Approves kubelets' own client certificates. */
import { resourceTypes } from "../../../api/resource_types.ts";
import type { CertificateSigningRequest } from "../../../model/kubernetes.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { approved, mayBeOurs, permissionsFor, reviewOf, type Permission } from "./plan.ts";

const { certificateSigningRequests, subjectAccessReviews } = resourceTypes;
const name = "certificatesigningrequest-approving-controller";

export const csrApprovingController: ControllerRow = { name, account: "certificate-controller", make };

function make(context: ControllerContext): Controller {
  const { client, informers, authority, clock, log } = context;
  const requests = informers.of(certificateSigningRequests);
  const queue = controllerQueue(context, { name, reconcile });

  async function reconcile(key: string): Promise<undefined> {
    const request = requests.objects.get(key);
    if (!request || !mayBeOurs(request)) return;
    const requested = await authority.read(Buffer.from(request.spec.request, "base64").toString());
    const permissions = permissionsFor(request, requested);
    for (const permission of permissions) {
      if (!(await isAllowed(request, permission))) continue;
      const object = approved(request, permission, clock.now());
      await client.update(certificateSigningRequests, object, { subresource: "approval" });
      return;
    }
    if (permissions.length === 0) return;
    const tried = permissions.map(({ subresource }) => subresource);
    log.info({ controller: name, request: key, tried }, "a kubelet's request was recognized, and who asks may not");
  }

  async function isAllowed(request: CertificateSigningRequest, permission: Permission): Promise<boolean> {
    const review = await client.create(subjectAccessReviews, { metadata: {}, spec: reviewOf(request, permission) });
    return review.status?.allowed === true;
  }

  const onRequest = (request: CertificateSigningRequest): void => {
    if (mayBeOurs(request)) queue.add(request.metadata.name);
  };
  requests.subscribe({ onAdd: onRequest, onUpdate: (_, request) => onRequest(request) });
  return { start: () => queue.start(), stop: () => queue.stop() };
}
