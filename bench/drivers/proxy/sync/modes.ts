/** Which modes a proxy is measured in, as `--set` names them. */
export const proxyModes = ["nftables", "iptables", "ipvs"] as const;
export type BenchedMode = (typeof proxyModes)[number];
export const iptablesVariants = ["nft", "legacy"] as const;
export type Variant = (typeof iptablesVariants)[number];

export type ModeParameters = {
  /** KubeProxyConfiguration: mode */
  readonly mode: BenchedMode;
  /** Of the programs that the mode iptables runs. */
  readonly variant: Variant;
};
