/** Which other objects a pod names (pkg/api/v1/pod's visitors). Pure. */
import type { ApiObject } from "../resources/resource.ts";

export interface PodReferences {
  readonly secrets: ReadonlySet<string>;
  readonly configMaps: ReadonlySet<string>;
  /** PersistentVolumeClaims, those of ephemeral volumes too. */
  readonly claims: ReadonlySet<string>;
  readonly resourceClaims: ReadonlySet<string>;
  readonly serviceAccount: string | undefined;
  readonly hasClusterTrustBundle: boolean;
}

interface Named {
  readonly name?: string;
}

interface Source {
  readonly secret?: Named & { readonly secretName?: string };
  readonly configMap?: Named;
  readonly clusterTrustBundle?: object;
}

interface Volume extends Named, Source {
  readonly projected?: { readonly sources?: readonly Source[] };
  readonly persistentVolumeClaim?: { readonly claimName?: string };
  readonly ephemeral?: object;
  readonly [source: string]: unknown;
}

interface Container {
  readonly env?: readonly {
    readonly valueFrom?: { readonly secretKeyRef?: Named; readonly configMapKeyRef?: Named };
  }[];
  readonly envFrom?: readonly { readonly secretRef?: Named; readonly configMapRef?: Named }[];
}

interface PodSpec {
  readonly volumes?: readonly Volume[];
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly ephemeralContainers?: readonly Container[];
  readonly imagePullSecrets?: readonly Named[];
  readonly serviceAccountName?: string;
  readonly resourceClaims?: readonly { readonly name: string; readonly resourceClaimName?: string }[];
}

export function podReferences(pod: ApiObject): PodReferences {
  const spec = (pod["spec"] ?? {}) as PodSpec;
  const found = { secrets: new Set<string>(), configMaps: new Set<string>(), claims: new Set<string>() };
  let hasClusterTrustBundle = false;
  for (const { name } of spec.imagePullSecrets ?? []) addName(found.secrets, name);
  for (const volume of spec.volumes ?? []) {
    addVolume(found, pod.metadata.name ?? "", volume);
    hasClusterTrustBundle ||= (volume.projected?.sources ?? []).some(({ clusterTrustBundle }) => clusterTrustBundle);
  }
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])];
  for (const container of containers) addContainer(found, container);
  return {
    ...found,
    resourceClaims: resourceClaimsOf(pod, spec),
    serviceAccount: spec.serviceAccountName,
    hasClusterTrustBundle,
  };
}

type Found = Record<"secrets" | "configMaps" | "claims", Set<string>>;

function addVolume(found: Found, pod: string, volume: Volume): void {
  addName(found.secrets, volume.secret?.secretName);
  addName(found.configMaps, volume.configMap?.name);
  addName(found.claims, volume.persistentVolumeClaim?.claimName);
  if (volume.ephemeral) addName(found.claims, `${pod}-${volume.name ?? ""}`);
  for (const source of volume.projected?.sources ?? []) {
    addName(found.secrets, source.secret?.name);
    addName(found.configMaps, source.configMap?.name);
  }
  for (const source of Object.values(volume)) addName(found.secrets, driverSecret(source));
}

/** Volume drivers of long standing name the secret that they log in with: cephfs, rbd, iscsi, csi, azureFile, … */
function driverSecret(source: unknown): string | undefined {
  if (typeof source !== "object" || source === null) return undefined;
  const { secretRef, nodePublishSecretRef, secretName, shareName } = source as Record<string, unknown>;
  const reference = (secretRef ?? nodePublishSecretRef) as Named | undefined;
  return reference?.name ?? (shareName === undefined ? undefined : (secretName as string | undefined));
}

function addContainer(found: Found, { env = [], envFrom = [] }: Container): void {
  for (const { valueFrom } of env) {
    addName(found.secrets, valueFrom?.secretKeyRef?.name);
    addName(found.configMaps, valueFrom?.configMapKeyRef?.name);
  }
  for (const { secretRef, configMapRef } of envFrom) {
    addName(found.secrets, secretRef?.name);
    addName(found.configMaps, configMapRef?.name);
  }
}

/** A claim that is made from a template is named in the pod's status. */
function resourceClaimsOf(pod: ApiObject, spec: PodSpec): ReadonlySet<string> {
  const status = (pod["status"] ?? {}) as {
    resourceClaimStatuses?: readonly { readonly resourceClaimName?: string }[];
  };
  const names = new Set<string>();
  for (const { resourceClaimName } of spec.resourceClaims ?? []) addName(names, resourceClaimName);
  for (const { resourceClaimName } of status.resourceClaimStatuses ?? []) addName(names, resourceClaimName);
  return names;
}

function addName(names: Set<string>, name: string | undefined): void {
  if (name) names.add(name);
}
