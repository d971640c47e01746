/** What is kept of an attachment beside its addresses. */
import type { PortMapping } from "../../../cni/plugin.ts";
import type { PodLink } from "../links/link.ts";
import type { StoredAttachment } from "./attachments.ts";

export interface AttachmentDetail {
  readonly link: PodLink;
  readonly portMappings: readonly PortMapping[];
  /** Of CNI_ARGS, "" where the runtime gave none. */
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
}

export type PodAttachment = StoredAttachment<AttachmentDetail>;
