/** Which variant of iptables the node uses: rules of the other would be another set beside it (kubernetes-sigs/iptables-wrappers). */
import type { IptablesPort } from "../../kernel/ports.ts";

export type Variant = "nft" | "legacy";

/** The kubelet's, of this time and earlier ones. */
const hint = /^:KUBE-(IPTABLES-HINT|KUBELET-CANARY) /m;

/** @param version of the node's own `iptables`: "iptables v1.8.9 (nf_tables)" */
export async function detectVariant(
  ports: readonly Pick<IptablesPort, "name" | "save">[],
  version: string,
): Promise<Variant> {
  const saved = { nft: "", legacy: "" };
  for (const port of ports) saved[port.name.endsWith("-legacy") ? "legacy" : "nft"] += await port.save();
  return chooseVariant(saved, version);
}

/** By the kubelet's hint, else where there are more rules, else the node's own. @param saved of both families */
export function chooseVariant({ nft, legacy }: Readonly<Record<Variant, string>>, version: string): Variant {
  if (hint.test(nft)) return "nft";
  if (hint.test(legacy)) return "legacy";
  const [ofNft, ofLegacy] = [rulesOf(nft), rulesOf(legacy)];
  if (ofNft !== ofLegacy) return ofNft > ofLegacy ? "nft" : "legacy";
  return version.includes("nf_tables") ? "nft" : "legacy";
}

function rulesOf(saved: string): number {
  return saved.match(/^-A /gm)?.length ?? 0;
}

/** iptables 1.6.2 brought it, and Linux 3.13 (upstream: utiliptables.HasRandomFully). */
export function hasRandomFully(version: string): boolean {
  const [, major = 0, minor = 0, patch = 0] = (/v(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  return major * 10_000 + minor * 100 + patch >= 10_602;
}
