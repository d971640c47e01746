/** Volumes that are folders of a node: what the provisioner and the node agent agree on (docs/decisions/045). */

export const localPathProvisioner = "fairlead.io/local-path";
/** Taken off by the node when the folder is gone. */
export const localPathFinalizer = "fairlead.io/local-path-data";
/** By which a volume's affinity names its node. */
export const hostnameLabel = "kubernetes.io/hostname";
