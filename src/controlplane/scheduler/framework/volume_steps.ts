/** What the volumes of a pod need before it is bound: plain steps, carried out by the binding. */
export type VolumeStep =
  /** The claim gets this volume: the volume's claimRef is set, the binder does the rest. */
  | { readonly type: "BindVolume"; readonly namespace: string; readonly claim: string; readonly volume: string }
  /** The claim is to be provisioned where this node reaches it. */
  | { readonly type: "SelectNode"; readonly namespace: string; readonly claim: string; readonly nodeName: string };
