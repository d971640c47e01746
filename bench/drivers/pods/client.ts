/**
 * Creates pods one at a time where the API server is, and says how long each took to be Ready: run by the driver in the
 * node's network namespace. Arguments: kubeconfig, image, how many.
 */
import { HttpClient } from "../../../src/api/http/http_client.ts";
import { Informer } from "../../../src/api/informer.ts";
import { resourceTypes } from "../../../src/api/resource_types.ts";
import type { Pod } from "../../../src/model/kubernetes.ts";
import { benchPod } from "./pods.ts";

const [kubeconfig = "", image = "", count = "0"] = process.argv.slice(2);
const client = new HttpClient({ kubeconfig, userAgent: "bench" });
const { pods } = resourceTypes;
const waiting = new Map<string, () => void>();
const informer = new Informer(client, pods, { namespace: "default", onError: () => undefined });
const key = (what: string, name: string): string => `${what} ${name}`;
informer.subscribe({
  onUpdate(_, pod: Pod) {
    const isReady = pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
    if (isReady) waiting.get(key("ready", pod.metadata.name))?.();
  },
  onDelete: (pod) => waiting.get(key("gone", pod.metadata.name))?.(),
});
informer.start();
await informer.synced(10_000);

const comes = (what: string): Promise<void> => new Promise((resolve) => waiting.set(what, resolve));
const readyMs: number[] = [];
for (let i = 0; i < Number(count); i++) {
  const name = `bench-${process.pid}-${i}`;
  const ready = comes(key("ready", name));
  const gone = comes(key("gone", name));
  const begun = performance.now();
  await client.create(pods, benchPod(name, image));
  await ready;
  readyMs.push(performance.now() - begun);
  await client.delete(pods, { namespace: "default", name });
  await gone;
}
informer.stop();
client.close();
process.stdout.write(JSON.stringify(readyMs));
