/**
 * Makes pods where the API server is, and says how long they took: run by {@link openClient} in the node's network
 * namespace. Arguments: kubeconfig, image. It is told what to do a line each, and answers with a JSON value a line.
 */
import { createInterface } from "node:readline";
import { HttpClient } from "../../../src/api/http/http_client.ts";
import { Informer } from "../../../src/api/informer.ts";
import { resourceTypes } from "../../../src/api/resource_types.ts";
import type { Pod } from "../../../src/model/kubernetes.ts";
import { benchPod, probedPod } from "./pods.ts";

const [kubeconfig = "", image = ""] = process.argv.slice(2);
const client = new HttpClient({ kubeconfig, userAgent: "bench", timeoutMs: 120_000 });
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

const comes = (what: string): Promise<void> =>
  new Promise<void>((resolve) => waiting.set(what, resolve)).then(() => void waiting.delete(what));
let made = 0;

/** @returns ms from the first create until the last of them is seen to be ready */
async function start(
  count: number,
  podOf: typeof probedPod,
): Promise<{ readonly ms: number; readonly names: string[] }> {
  const names = Array.from({ length: count }, () => `bench-${made++}`);
  const ready = Promise.all(names.map((name) => comes(key("ready", name))));
  const begun = performance.now();
  await Promise.all(names.map((name, i) => client.create(pods, podOf(name, image, i))));
  await ready;
  return { ms: performance.now() - begun, names };
}

async function startAndEnd(count: number): Promise<number> {
  const { ms, names } = await start(count, benchPod);
  const gone = Promise.all(names.map((name) => comes(key("gone", name))));
  await Promise.all(names.map((name) => client.delete(pods, { namespace: "default", name })));
  await gone;
  return ms;
}

const commands: Readonly<Record<string, (count: number) => Promise<number>>> = {
  pods: startAndEnd,
  probed: async (count) => (await start(count, probedPod)).ms,
};

process.stdout.write("0\n");
for await (const line of createInterface({ input: process.stdin })) {
  const [command = "", count] = line.split(" ");
  process.stdout.write(`${await commands[command]!(Number(count))}\n`);
}
informer.stop();
client.close();
