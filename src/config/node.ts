/** The configuration of `fairlead node`: a document for each of its parts, in one file or in several. */
import { FairleadError } from "../errors/catalogue.ts";
import { kubeProxyConfiguration, type KubeProxyConfiguration } from "./kube_proxy.ts";
import { kubeletConfiguration, type KubeletConfiguration } from "./kubelet.ts";
import { networkConfiguration, type NetworkConfiguration } from "./network.ts";
import { checkConfig, readDocuments } from "./read.ts";

export interface NodeConfiguration {
  readonly kubelet: KubeletConfiguration;
  readonly proxy: KubeProxyConfiguration;
  readonly network: NetworkConfiguration;
}

const apiVersions = {
  KubeletConfiguration: "kubelet.config.k8s.io/v1beta1",
  KubeProxyConfiguration: "kubeproxy.config.k8s.io/v1alpha1",
  NetworkConfiguration: "network.config.fairlead.io/v1alpha1",
} as const;
type Kind = keyof typeof apiVersions;

/**
 * Reads the files; a kind that none of them has gets its defaults.
 *
 * @throws FairleadError CONFIG_UNREADABLE, CONFIG_INVALID
 */
export function readNodeConfiguration(files: readonly string[]): NodeConfiguration {
  const given = new Map<Kind, { readonly file: string; readonly document: unknown }>();
  for (const file of files) {
    for (const document of readDocuments(file)) {
      const kind = kindOf(document, file);
      const before = given.get(kind);
      if (before) throw invalid(file, `kind: ${kind} is there already, in ${before.file}`);
      given.set(kind, { file, document });
    }
  }
  const of = (kind: Kind): readonly [unknown, string] => {
    const { document, file } = given.get(kind) ?? {
      document: { apiVersion: apiVersions[kind], kind },
      file: "defaults",
    };
    return [document, file];
  };
  return {
    kubelet: checkConfig(...of("KubeletConfiguration"), kubeletConfiguration),
    proxy: checkConfig(...of("KubeProxyConfiguration"), kubeProxyConfiguration),
    network: checkConfig(...of("NetworkConfiguration"), networkConfiguration),
  };
}

function kindOf(document: unknown, file: string): Kind {
  const { kind } = (typeof document === "object" && document !== null ? document : {}) as { kind?: unknown };
  if (typeof kind === "string" && Object.hasOwn(apiVersions, kind)) return kind as Kind;
  throw invalid(file, `kind: must be one of ${Object.keys(apiVersions).join(", ")}`);
}

function invalid(subject: string, reason: string): FairleadError {
  return new FairleadError("CONFIG_INVALID", { subject, reason });
}
