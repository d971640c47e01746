/** /exec, /attach, /portForward and /run: led to the runtime's streaming server, or answered by the runtime at once. */
import { FairleadError } from "../../../errors/catalogue.ts";
import type { RuntimeService, StreamOptions } from "../../cri/runtime.ts";
import { allContainers } from "../../pods/containers.ts";
import { currentSandbox } from "../../pods/observed.ts";
import type { Asked, Endpoint } from "../endpoint.ts";
import { runningContainer, type PodIndex, type PodView } from "../pod_index.ts";
import { Refusal } from "../refusal.ts";
import { forwardedPorts, streamOptions } from "./options.ts";
import { passUpgrade } from "./pass.ts";
import { closableProtocol, translateStreams } from "./translate.ts";
import { tunnelProtocol, tunnelStreams } from "./tunnel.ts";
import { isWebSocket, offeredProtocols, type UpgradeClient } from "./upgrade.ts";

export interface StreamHost {
  readonly pods: PodIndex;
  readonly runtime: Pick<RuntimeService, "exec" | "attach" | "portForward" | "execSync">;
}

const methods = ["GET", "POST"];

export function streamEndpoints(host: StreamHost): readonly Endpoint[] {
  const container = "{namespace}/{pod}/{container}";
  const withUid = "{namespace}/{pod}/{uid}/{container}";
  const of = (path: string, upgrade: NonNullable<Endpoint["upgrade"]>): Endpoint => ({
    path,
    methods,
    answer: () => {
      throw new Refusal(500, "Upgrade request required");
    },
    upgrade,
  });
  const run = (path: string): Endpoint => ({
    path,
    methods: ["POST"],
    answer: async (asked, response) => {
      response.setHeader("Content-Type", "application/json");
      response.end(await runCommand(host, asked));
    },
  });
  return [
    ...[container, withUid].flatMap((path) => [
      of(`/exec/${path}`, (asked, client) => exec(host, asked, client)),
      of(`/attach/${path}`, (asked, client) => attach(host, asked, client)),
      run(`/run/${path}`),
    ]),
    ...["{namespace}/{pod}", "{namespace}/{pod}/{uid}"].map((path) =>
      of(`/portForward/${path}`, (asked, client) => portForward(host, asked, client)),
    ),
  ];
}

async function exec({ pods, runtime }: StreamHost, asked: Asked, client: UpgradeClient): Promise<void> {
  const options = streamOptions(asked.query);
  const { id } = execContainer(podOf(pods, asked), asked);
  const url = await urlOf(runtime.exec(id, asked.query.getAll("command"), options));
  await stream(url, client, options);
}

async function attach({ pods, runtime }: StreamHost, asked: Asked, client: UpgradeClient): Promise<void> {
  const options = streamOptions(asked.query);
  const view = podOf(pods, asked);
  const { pod, namespace, container } = asked.params;
  const found = isUidWrong(view, asked) ? undefined : runningContainer(view, container!);
  const spec = allContainers(view.current).find((one) => one.spec.name === container)?.spec;
  if (!found || !spec) throw new Refusal(500, `container ${container} not found in pod ${pod}_${namespace}`);
  // What runs with a terminal, or without, does so from its start: what is asked does not change it.
  const tty = spec.tty === true;
  const url = await urlOf(runtime.attach(found.id, { ...options, tty }));
  await stream(url, client, options);
}

async function portForward({ pods, runtime }: StreamHost, asked: Asked, client: UpgradeClient): Promise<void> {
  const isTunnel = isWebSocket(client.request) && offeredProtocols(client.request).includes(tunnelProtocol);
  const ports = isTunnel ? [] : forwardedPorts(asked.query, isWebSocket(client.request));
  const view = podOf(pods, asked);
  if (isUidWrong(view, asked)) throw new Refusal(404, "pod not found");
  const sandbox = currentSandbox(view.observed);
  const { pod, namespace } = asked.params;
  if (!sandbox?.isReady) throw new Refusal(500, `pod not found ("${pod}_${namespace}")`);
  const url = await urlOf(runtime.portForward(sandbox.id, ports));
  await (isTunnel ? tunnelStreams(url, client) : passUpgrade(url, client));
}

/** upstream's RunInContainer waits as long as the runtime does; here it has a bound, in s. */
const runTimeoutSeconds = 120;

async function runCommand({ pods, runtime }: StreamHost, asked: Asked): Promise<Buffer> {
  const { id } = execContainer(podOf(pods, asked), asked);
  const command = (asked.query.get("cmd") ?? "").split(" ");
  const { stdout, stderr, exitCode } = await runtime.execSync(id, command, runTimeoutSeconds);
  if (exitCode !== 0)
    throw new Refusal(500, `command '${command.join(" ")}' exited with ${exitCode}: ${stderr.toString()}`);
  return Buffer.concat([stdout, stderr]);
}

/** A client that can say that a stream is over is heard: all others speak what the runtime speaks. */
function stream(url: string, client: UpgradeClient, options: StreamOptions): Promise<void> {
  const isClosable = isWebSocket(client.request) && offeredProtocols(client.request).includes(closableProtocol);
  return isClosable ? translateStreams(url, client, options) : passUpgrade(url, client);
}

function podOf(pods: PodIndex, { params }: Asked): PodView {
  const view = pods.find(params["namespace"]!, params["pod"]!);
  if (!view) throw new Refusal(404, "pod does not exist");
  return view;
}

function isUidWrong({ current }: PodView, { params }: Asked): boolean {
  return params["uid"] !== undefined && params["uid"] !== current.metadata.uid;
}

function execContainer(view: PodView, asked: Asked): { readonly id: string } {
  const { container } = asked.params;
  const found = isUidWrong(view, asked) ? undefined : runningContainer(view, container!);
  if (!found) throw new Refusal(500, `container not found ("${container}")`);
  return found;
}

/** @throws Refusal 404, 500 (cri/streaming, WriteError) */
async function urlOf(asked: Promise<string>): Promise<string> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof FairleadError)) throw error;
    throw new Refusal(error.code === "CRI_NOT_FOUND" ? 404 : 500, error.reason);
  }
}
