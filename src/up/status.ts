/** The health of a cluster at a glance: asked of each part, within a second or two. */
import http from "node:http";
import { HttpClient } from "../api/http/http_client.ts";
import { resourceTypes } from "../api/resource_types.ts";
import type { UpContext } from "./context.ts";
import { countPods, podsText, type PodCounts } from "./pod_counts.ts";
import { partFiles } from "./instance.ts";
import { existingNodes } from "./nodes/further.ts";
import { readyCondition } from "./node_ready.ts";
import { residentBytes, runningPid } from "./processes.ts";
import { partsOf } from "./settings.ts";

const askMs = 2000;

export interface Status {
  readonly isHealthy: boolean;
  /** Who restarts what ends; absent: nobody, 'fairlead up' goes on with it. */
  readonly supervisor: ProcessStatus | undefined;
  readonly parts: readonly PartStatus[];
  readonly checks: readonly Check[];
  readonly nodes: readonly NodeState[];
  readonly pods: PodCounts;
}

export interface ProcessStatus {
  readonly pid: number;
  readonly residentBytes: number;
}

export interface PartStatus {
  readonly name: string;
  /** Whose, where it is a further node's (`up --nodes`). */
  readonly node?: string;
  /** The network namespace in which it runs, where it is not `up`'s. */
  readonly netns?: string;
  /** Absent: it does not run. */
  readonly process: ProcessStatus | undefined;
}

export interface Check {
  readonly name: string;
  /** Absent: it is well. */
  readonly problem: string | undefined;
}

export interface NodeState {
  readonly name: string;
  readonly isReady: boolean;
  /** Why it is not. */
  readonly reason: string;
  readonly version: string;
}

const healths = [
  { name: "kubelet", url: "http://127.0.0.1:10248/healthz" },
  { name: "service proxy", url: "http://127.0.0.1:10256/healthz" },
  { name: "pod network", url: "http://127.0.0.1:10245/readyz" },
] as const;

export async function readStatus(context: UpContext): Promise<Status> {
  const { instance } = context;
  const parts = [...partsOfOne(context), ...(await existingNodes(context)).flatMap((node) => partsOfOne(node.context))];
  const [api, ...checks] = await Promise.all([
    askApi(context),
    ...healths.map(async ({ name, url }) => ({ name, problem: await problemOf(url) })),
  ]);
  const all = [{ name: "API server", problem: api.problem }, ...checks];
  const isHealthy =
    parts.every((part) => part.process !== undefined) &&
    all.every(({ problem }) => problem === undefined) &&
    api.nodes.every(({ isReady }) => isReady) &&
    api.pods.unready.length === 0;
  const { nodes, pods } = api;
  return { isHealthy, supervisor: processOf(instance.supervisorPid), parts, checks: all, nodes, pods };
}

function partsOfOne({ instance, settings }: UpContext): readonly PartStatus[] {
  const { netns, nodeName } = settings;
  const place = netns === undefined ? {} : { node: nodeName, netns };
  return partsOf(settings).map((name) => ({ name, ...place, process: processOf(partFiles(instance, name).pid) }));
}

function processOf(pidFile: string): ProcessStatus | undefined {
  const pid = runningPid(pidFile);
  return pid === undefined ? undefined : { pid, residentBytes: residentBytes(pid) };
}

/** A node alone may read itself, and its own pods. */
async function askApi({
  instance,
  settings: { server, nodeName },
}: UpContext): Promise<Pick<Status, "nodes" | "pods"> & { readonly problem: string | undefined }> {
  let client: HttpClient | undefined;
  try {
    const kubeconfig = server === undefined ? instance.adminKubeconfig : instance.node.kubeconfig;
    const [ofNodes, ofPods] =
      server === undefined
        ? [{}, {}]
        : [{ fieldSelector: `metadata.name=${nodeName}` }, { fieldSelector: `spec.nodeName=${nodeName}` }];
    client = new HttpClient({ kubeconfig, userAgent: "fairlead-status", timeoutMs: askMs });
    const [nodes, pods] = await Promise.all([
      client.list(resourceTypes.nodes, ofNodes),
      client.list(resourceTypes.pods, ofPods),
    ]);
    const states = nodes.items.map((node) => {
      const ready = readyCondition(node);
      const { metadata, status } = node;
      const reason = ready?.status === "True" ? "" : (ready?.message ?? "it has said nothing yet");
      return {
        name: metadata.name,
        isReady: ready?.status === "True",
        reason,
        version: status?.nodeInfo?.kubeletVersion ?? "",
      };
    });
    return { problem: undefined, nodes: states, pods: countPods(pods.items) };
  } catch (error) {
    return { problem: (error as Error).message, nodes: [], pods: countPods([]) };
  } finally {
    client?.close();
  }
}

/** @returns undefined where it answers 200 */
function problemOf(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = http.get(url, { agent: false, timeout: askMs }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => (text += part));
      response.on("end", () => resolve(response.statusCode === 200 ? undefined : text.trim()));
    });
    request.on("timeout", () => request.destroy(new Error(`no answer within ${askMs / 1000} s`)));
    request.on("error", (error) => resolve(error.message));
  });
}

/** As a person reads it. */
export function statusText({ isHealthy, supervisor, parts, checks, nodes, pods }: Status): string {
  const mark = (isWell: boolean): string => (isWell ? "✓" : "✗");
  const line = (isWell: boolean, name: string, detail: string): string =>
    `${mark(isWell)} ${name.padEnd(15)} ${detail}`;
  const memory = (one: ProcessStatus): string => `process ${one.pid}, ${Math.round(one.residentBytes / 1e6)} MB`;
  const total = [supervisor, ...parts.map((part) => part.process)].reduce(
    (sum, one) => sum + (one?.residentBytes ?? 0),
    0,
  );
  return [
    ...parts.map(({ name, node, process }) => {
      const whole = node === undefined ? name : `${name} (${node})`;
      return line(process !== undefined, whole, process ? memory(process) : "does not run");
    }),
    supervisor
      ? line(true, "up", memory(supervisor))
      : "- up              does not run: 'fairlead up' watches the parts again",
    ...checks.map(({ name, problem }) => line(problem === undefined, name, problem ?? "ok")),
    ...nodes.map(({ name, isReady, reason, version }) =>
      line(isReady, `node ${name}`, isReady ? `Ready, ${version}` : reason),
    ),
    line(pods.unready.length === 0, "pods", podsText(pods)),
    `  memory          ${Math.round(total / 1e6)} MB resident in all`,
    isHealthy
      ? "healthy"
      : "not healthy: 'fairlead logs' shows what the parts say, 'fairlead up' starts what is missing",
  ]
    .map((text) => `${text}\n`)
    .join("");
}
