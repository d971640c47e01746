/** All that a volume names, read, so that its content is a function of it. */
import type { Pod } from "../../model/kubernetes.ts";
import type { PodSources } from "../pods/sources.ts";
import { defaultTokenSeconds, type Volume, type VolumeSources } from "./payload.ts";

export async function readSources(pod: Pod, volume: Volume, sources: PodSources): Promise<VolumeSources> {
  const parts = volume.projected?.sources ?? [volume];
  const configMaps = new Map<string, ReadonlyMap<string, Buffer> | undefined>();
  const secrets = new Map<string, ReadonlyMap<string, Buffer> | undefined>();
  const tokens = new Map<string, string>();
  await Promise.all(parts.flatMap((part) => [readConfigMap(part), readSecret(part), readToken(part)]));
  return {
    configMap: (name) => configMaps.get(name),
    secret: (name) => secrets.get(name),
    token: (audience, seconds) => tokens.get(`${audience} ${seconds}`) ?? "",
  };

  type Part = (typeof parts)[number];

  async function readConfigMap({ configMap }: Part): Promise<void> {
    if (configMap?.name) configMaps.set(configMap.name, await sources.configMap(configMap.name));
  }

  async function readSecret({ secret }: Part): Promise<void> {
    const name = secret && ("secretName" in secret ? secret.secretName : (secret as { name?: string }).name);
    if (name) secrets.set(name, await sources.secret(name));
  }

  async function readToken(part: Part): Promise<void> {
    const token = "serviceAccountToken" in part ? part.serviceAccountToken : undefined;
    if (!token) return;
    const { audience = "", expirationSeconds = defaultTokenSeconds } = token;
    tokens.set(`${audience} ${expirationSeconds}`, await sources.token(pod, audience, expirationSeconds));
  }
}
