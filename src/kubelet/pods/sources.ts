/** Objects that a pod's specification names: read when they are needed, by a node's rights. */
import type { Client } from "../../api/client.ts";
import { resourceTypes } from "../../api/resource_types.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../model/kubernetes.ts";
import type { Clock } from "../../reconcile/clock.ts";
import type { Content, PodConfig } from "./config_objects.ts";

/** A token is renewed at four fifths of its life, and at the latest after a day (pkg/kubelet/token). */
const longestTokenMs = 24 * 3_600_000;

interface Token {
  readonly text: string;
  readonly renewAtMs: number;
}

export class PodSources {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #config: PodConfig;
  readonly #tokens = new Map<string, Token>();

  constructor(client: Client, clock: Clock, config: PodConfig) {
    this.#client = client;
    this.#clock = clock;
    this.#config = config;
  }

  configMap(name: string): Promise<Content | undefined> {
    return this.#config.read("configMap", name);
  }

  secret(name: string): Promise<Content | undefined> {
    return this.#config.read("secret", name);
  }

  /** Nothing is asked for any more. */
  close(): void {
    this.#config.close();
  }

  async token(pod: Pod, audience: string, expirationSeconds: number): Promise<string> {
    const key = `${audience} ${expirationSeconds}`;
    const held = this.#tokens.get(key);
    if (held && this.#clock.now() < held.renewAtMs) return held.text;
    const { name, namespace, uid } = pod.metadata;
    const boundObjectRef = { apiVersion: "v1", kind: "Pod", name, uid };
    const audiences = audience === "" ? [] : [audience];
    const account = { namespace, name: pod.spec.serviceAccountName ?? "default" };
    const request = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      metadata: {},
      spec: { audiences, expirationSeconds, boundObjectRef },
    };
    const { serviceAccounts } = resourceTypes;
    const answer = await this.#client.createSubresource<TokenAnswer>(serviceAccounts, account, "token", request);
    const nowMs = this.#clock.now();
    const lifeMs = Date.parse(answer.status.expirationTimestamp) - nowMs;
    this.#tokens.set(key, { text: answer.status.token, renewAtMs: nowMs + Math.min(longestTokenMs, lifeMs * 0.8) });
    return answer.status.token;
  }

  /** The volume behind a claim. @throws Error with upstream's words */
  async volumeOf(claimName: string, { metadata }: Pod): Promise<PersistentVolume> {
    const key = { namespace: metadata.namespace, name: claimName };
    const claim = await this.#client.get<PersistentVolumeClaim>(resourceTypes.persistentVolumeClaims, key);
    const { volumeName } = claim.spec;
    if (!volumeName || claim.status?.phase !== "Bound") throw new Error("PVC is not bound");
    const volume = await this.#client.get<PersistentVolume>(resourceTypes.persistentVolumes, { name: volumeName });
    const { claimRef } = volume.spec;
    if (!claimRef) throw new Error("PV.Spec.ClaimRef is nil");
    if (claimRef.uid !== claim.metadata.uid) throw new Error("PVC.UID does not match PV.Spec.ClaimRef.UID");
    return volume;
  }
}

interface TokenAnswer {
  readonly status: { readonly token: string; readonly expirationTimestamp: string };
}
