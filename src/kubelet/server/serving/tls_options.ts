/** KubeletConfiguration's words for TLS → node's. */
import type { SecureContextOptions, SecureVersion } from "node:tls";
import type { KubeletConfiguration } from "../../../config/kubelet.ts";

const versions: Readonly<Record<string, SecureVersion>> = {
  VersionTLS10: "TLSv1",
  VersionTLS11: "TLSv1.1",
  VersionTLS12: "TLSv1.2",
  VersionTLS13: "TLSv1.3",
};

export function tlsOptions({
  tlsMinVersion,
  tlsCipherSuites,
}: Pick<KubeletConfiguration, "tlsMinVersion" | "tlsCipherSuites">): SecureContextOptions {
  return {
    minVersion: versions[tlsMinVersion] ?? "TLSv1.2",
    honorCipherOrder: true,
    ...(tlsCipherSuites.length === 0 ? {} : { ciphers: tlsCipherSuites.map(opensslName).join(":") }),
  };
}

/** "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" → "ECDHE-RSA-AES128-GCM-SHA256"; those of TLS 1.3 have one name. */
export function opensslName(suite: string): string {
  const [exchange, cipher] = suite.split("_WITH_");
  if (exchange === undefined || cipher === undefined) return suite;
  const key = exchange.replace(/^TLS_/, "").replaceAll("_", "-");
  if (cipher.startsWith("CHACHA20_POLY1305")) return `${key}-CHACHA20-POLY1305`;
  const name = cipher
    .replace(/AES_(128|256)_/, "AES$1_")
    .replace("_CBC_", "_")
    .replaceAll("_", "-");
  return key === "RSA" ? name : `${key}-${name}`;
}
