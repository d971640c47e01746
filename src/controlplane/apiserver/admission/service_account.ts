/** ServiceAccount: every pod has an account, and a token of it where it wants one (plugin/pkg/admission/serviceaccount). */
import { setTimeout as sleep } from "node:timers/promises";
import type { Lookup } from "../auth/lookup.ts";
import { podReferences } from "../auth/pod_references.ts";
import type { ApiObject } from "../resources/resource.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import { specOf, isMirrorPod, type Container, type PodSpec } from "./pod_spec.ts";
import { createsPod, refused } from "./refusal.ts";

const mountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
const volumePrefix = "kube-api-access-";
/** The kubelet renews at 80 % of it; the odd seven seconds tell tokens that were injected from those asked for. */
const expirationSeconds = 3607;
/** A namespace's default account is made a moment after the namespace: attempts, and the wait between them in ms. */
const attempts = 10;
const defaultAttemptDelayMs = 50;
const suffixCharacters = "bcdfghjklmnpqrstvwxz2456789";

export class ServiceAccount implements AdmissionPlugin {
  readonly name = "ServiceAccount";
  readonly #lookup: Lookup;
  readonly #attemptDelayMs: number;

  constructor(lookup: Lookup, attemptDelayMs = defaultAttemptDelayMs) {
    this.#lookup = lookup;
    this.#attemptDelayMs = attemptDelayMs;
  }

  async admit(request: AdmissionRequest): Promise<void> {
    if (!createsPod(request)) return;
    const pod = request.object!;
    const spec = specOf(pod);
    if (isMirrorPod(pod)) return checkMirrorPod(request, pod);
    spec.serviceAccountName = spec.serviceAccountName ? spec.serviceAccountName : "default";
    spec.serviceAccount = spec.serviceAccountName;
    const account = await this.#account(request, spec.serviceAccountName);
    if (wantsToken(spec, account)) mountToken(spec);
    const pullSecrets = (account["imagePullSecrets"] ?? []) as { name: string }[];
    if ((spec.imagePullSecrets ?? []).length === 0 && pullSecrets.length > 0) {
      spec.imagePullSecrets = structuredClone(pullSecrets);
    }
  }

  async #account(request: AdmissionRequest, name: string): Promise<ApiObject> {
    const { namespace } = request;
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const found = this.#lookup.get("serviceaccounts", namespace, name);
      if (found) return found;
      if (attempt === 1) await this.#lookup.fresh("serviceaccounts");
      else await sleep(this.#attemptDelayMs);
    }
    const why = `serviceaccount "${name}" not found`;
    throw refused(request, `error looking up service account ${namespace}/${name}: ${why}`);
  }
}

/** A node's static pod has no part in the API's objects. */
function checkMirrorPod(request: AdmissionRequest, pod: ApiObject): void {
  const { serviceAccount, secrets } = podReferences(pod);
  if (serviceAccount) throw refused(request, "a mirror pod may not reference service accounts");
  if (secrets.size > 0) throw refused(request, "a mirror pod may not reference secrets");
  const projected = (specOf(pod).volumes ?? []).some(({ projected }) =>
    JSON.stringify(projected ?? {}).includes("serviceAccountToken"),
  );
  if (projected) throw refused(request, "a mirror pod may not use ServiceAccountToken volume projections");
}

function wantsToken(spec: PodSpec, account: ApiObject): boolean {
  const ofAccount = account["automountServiceAccountToken"] as boolean | undefined;
  return spec.automountServiceAccountToken ?? ofAccount ?? true;
}

/** Mounts the token where nothing else is mounted in its place. */
function mountToken(spec: PodSpec): void {
  const existing = (spec.volumes ?? []).find(({ name }) => name.startsWith(volumePrefix));
  const name = existing?.name ?? volumePrefix + suffix(spec);
  const containers: Container[] = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  const without = containers.filter(
    ({ volumeMounts }) => !(volumeMounts ?? []).some((mount) => mount.mountPath === mountPath),
  );
  for (const container of without) {
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }];
  }
  if (!existing && without.length > 0) spec.volumes = [...(spec.volumes ?? []), { name, projected: projectedToken() }];
}

function projectedToken(): object {
  return {
    sources: [
      { serviceAccountToken: { expirationSeconds, path: "token" } },
      { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
      {
        downwardAPI: {
          items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
        },
      },
    ],
    defaultMode: 0o644,
  };
}

function suffix({ volumes = [] }: PodSpec): string {
  for (;;) {
    let text = "";
    for (let i = 0; i < 5; i++) text += suffixCharacters[Math.floor(Math.random() * suffixCharacters.length)]!;
    if (!volumes.some(({ name }) => name === volumePrefix + text)) return text;
  }
}
