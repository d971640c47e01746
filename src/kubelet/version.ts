/** The release whose behaviour this kubelet has; control planes decide by it what a node can. */
export const kubeletVersion = "v1.34.0+fairlead";
