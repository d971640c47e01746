/** Objects that a pod's specification names: read when they are needed, by a node's rights, and kept for a moment. */
import type { Client } from "../../api/client.ts";
import { resourceTypes } from "../../api/resource_types.ts";
import { isNotFound } from "../../api/status_error.ts";
import type { ConfigMap, PersistentVolume, PersistentVolumeClaim, Pod, Secret } from "../../model/kubernetes.ts";
import type { Clock } from "../../reconcile/clock.ts";

type Content = ReadonlyMap<string, Buffer>;

/** How long what was read holds, in ms: containers of one pod that start together ask once. */
const freshMs = 1000;
/** A token is renewed at four fifths of its life, and at the latest after a day (pkg/kubelet/token). */
const longestTokenMs = 24 * 3_600_000;

interface Token {
  readonly text: string;
  readonly renewAtMs: number;
}

export class PodSources {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #read = new Map<string, { readonly atMs: number; readonly content: Promise<Content | undefined> }>();
  readonly #tokens = new Map<string, Token>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  configMap(name: string, { metadata }: Pod): Promise<Content | undefined> {
    return this.#fresh(`configmap ${name}`, async () => {
      const key = { namespace: metadata.namespace, name };
      const { data = {}, binaryData = {} } = await this.#client.get<ConfigMap>(resourceTypes.configMaps, key);
      return contentOf(data, binaryData);
    });
  }

  secret(name: string, { metadata }: Pod): Promise<Content | undefined> {
    return this.#fresh(`secret ${name}`, async () => {
      const key = { namespace: metadata.namespace, name };
      const { data = {} } = await this.#client.get<Secret>(resourceTypes.secrets, key);
      return contentOf({}, data);
    });
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
    if (!volumeName) throw new Error(`PVC ${metadata.namespace}/${claimName} is not bound`);
    return this.#client.get<PersistentVolume>(resourceTypes.persistentVolumes, { name: volumeName });
  }

  #fresh(key: string, read: () => Promise<Content>): Promise<Content | undefined> {
    const held = this.#read.get(key);
    if (held && this.#clock.now() - held.atMs < freshMs) return held.content;
    const content = read().catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      this.#read.delete(key);
      throw error;
    });
    this.#read.set(key, { atMs: this.#clock.now(), content });
    return content;
  }
}

interface TokenAnswer {
  readonly status: { readonly token: string; readonly expirationTimestamp: string };
}

function contentOf(text: Readonly<Record<string, string>>, base64: Readonly<Record<string, string>>): Content {
  return new Map([
    ...Object.entries(text).map(([key, value]) => [key, Buffer.from(value)] as const),
    ...Object.entries(base64).map(([key, value]) => [key, Buffer.from(value, "base64")] as const),
  ]);
}
