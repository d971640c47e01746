/** `up --demo`: an application of three replicas, the balance of its Service, and a rolling update under requests. */
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { urlHost } from "../model/address.ts";
import type { Client } from "../api/client.ts";
import { resourceTypes } from "../api/resource_types.ts";
import { isNotFound } from "../api/status_error.ts";
import { FairleadError } from "../errors/catalogue.ts";
import type { Deployment } from "../model/kubernetes.ts";
import { applyAll } from "./apply.ts";
import { echoImages } from "./images/own.ts";
import type { Progress } from "./progress.ts";

const key = { namespace: "default", name: "demo" } as const;
const replicas = 3;
const readyMs = 60_000;
const lookMs = 20;
/** Between two requests during the update. */
const pauseMs = 5;

export interface DemoReport {
  /** Where it answers from this machine: the node port. */
  readonly url: string;
  readonly answersByPod: Readonly<Record<string, number>>;
  readonly update: { readonly requests: number; readonly failed: number; readonly from: string; readonly to: string };
}

export async function runDemo(client: Client, nodeIp: string, progress: Progress): Promise<DemoReport> {
  const from = (await imageNow(client)) ?? echoImages[0];
  const to = from === echoImages[1] ? echoImages[0] : echoImages[1];
  await progress.step(
    "demo: deploy",
    () => deploy(client, from),
    () => `${replicas} replicas of ${from}`,
  );
  const url = await urlOf(client, nodeIp);
  await progress.step(
    "demo: first answer",
    () => firstAnswer(url),
    (text) => `${url} says "${text}"`,
  );
  const answersByPod = await progress.step("demo: balance", () => balance(url), showBalance);
  const update = await progress.step(
    "demo: update",
    () => updateUnderRequests(client, url, from, to),
    ({ requests, failed }) => `to ${to}: ${requests} requests meanwhile, ${failed} failed`,
  );
  return { url, answersByPod, update };
}

/** What to try next, as commands that work as they stand. */
export function nextSteps({ url }: DemoReport, context: string): readonly string[] {
  const kubectl = `kubectl --context ${context}`;
  return [
    "Try next:",
    `  curl ${url}`,
    `  ${kubectl} get pods,services -o wide`,
    `  ${kubectl} scale deployment demo --replicas=5`,
    `  ${kubectl} set image deployment/demo echo=${echoImages[0]}`,
    `  ${kubectl} rollout status deployment/demo`,
    "  fairlead status",
  ];
}

async function imageNow(client: Client): Promise<string | undefined> {
  try {
    const { spec } = await client.get(resourceTypes.deployments, key);
    return spec?.template.spec?.containers[0]?.image;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function deploy(client: Client, image: string): Promise<void> {
  await applyAll(client, demoObjects(image));
  await rolledOut(client);
}

function demoObjects(image: string): readonly object[] {
  const labels = { app: "demo" };
  const container = {
    name: "echo",
    image,
    ports: [{ name: "http", containerPort: 8080 }],
    readinessProbe: { httpGet: { path: "/", port: "http" }, periodSeconds: 1 },
    resources: { requests: { cpu: "10m", memory: "8Mi" } },
  };
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { ...key, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...key, labels },
    spec: { type: "NodePort", selector: labels, ports: [{ name: "http", port: 80, targetPort: "http" }] },
  };
  return [deployment, service];
}

/** As `kubectl rollout status` sees it (kubectl/pkg/polymorphichelpers/rollout_status.go). */
export function isRolledOut({ metadata, spec, status }: Deployment): boolean {
  const wanted = spec?.replicas ?? 1;
  return (
    (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
    (status?.updatedReplicas ?? 0) === wanted &&
    (status?.replicas ?? 0) === wanted &&
    (status?.availableReplicas ?? 0) === wanted
  );
}

async function rolledOut(client: Client): Promise<void> {
  for (const until = Date.now() + readyMs; Date.now() < until; await sleep(lookMs)) {
    if (isRolledOut(await client.get(resourceTypes.deployments, key))) return;
  }
  const reason = `not every replica is available within ${readyMs / 1000} s`;
  throw new FairleadError("UP_PART", { subject: "the demonstration (kubectl describe deployment demo)", reason });
}

async function urlOf(client: Client, nodeIp: string): Promise<string> {
  const { spec } = await client.get(resourceTypes.services, key);
  return `http://${urlHost(nodeIp)}:${spec?.ports?.[0]?.nodePort}/`;
}

async function firstAnswer(url: string): Promise<string> {
  let reason = "";
  for (const until = Date.now() + readyMs; Date.now() < until; await sleep(lookMs)) {
    try {
      return (await ask(url)).trim();
    } catch (error) {
      reason = (error as Error).message;
    }
  }
  throw new FairleadError("UP_PART", { subject: `the demonstration's Service ${url}`, reason });
}

async function balance(url: string): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < 30; i++) {
    const pod = /^hello from ([^,]+),/.exec(await ask(url))?.[1] ?? "somebody else";
    counts[pod] = (counts[pod] ?? 0) + 1;
  }
  return counts;
}

function showBalance(counts: Readonly<Record<string, number>>): string {
  const shares = Object.entries(counts).map(([pod, count]) => `${pod.split("-").at(-1)} ${count}`);
  return `30 requests: ${shares.sort().join(", ")}`;
}

async function updateUnderRequests(
  client: Client,
  url: string,
  from: string,
  to: string,
): Promise<DemoReport["update"]> {
  await applyAll(client, demoObjects(to).slice(0, 1));
  let isOver = false;
  const rollout = rolledOut(client).finally(() => (isOver = true));
  const counts = { requests: 0, failed: 0 };
  const asking = (async () => {
    while (!isOver) {
      counts.requests++;
      await ask(url).catch(() => counts.failed++);
      await sleep(pauseMs);
    }
  })();
  await Promise.all([rollout, asking]);
  return { ...counts, from, to };
}

/** On a connection of its own, so that each request is balanced anew. */
function ask(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent: false, timeout: 2000 }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => (text += part));
      response.on("end", () => resolve(text));
      response.on("error", reject);
    });
    request.on("timeout", () => request.destroy(new Error("no answer within 2 s")));
    request.on("error", reject);
  });
}
