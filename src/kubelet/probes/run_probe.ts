/** One probe's question and its answer (pkg/probe). */
import net from "node:net";
import { hostPort } from "../../model/address.ts";
import { FairleadError } from "../../errors/catalogue.ts";
import { openChannel } from "../cri/channel.ts";
import type { RuntimeService } from "../cri/runtime.ts";
import type { ContainerSpec } from "../pods/containers.ts";
import { dialFailure } from "./dial.ts";
import { getOverHttp } from "./http_get.ts";
import type { ProbeAnswer } from "./probe_state.ts";

export type Probe = NonNullable<ContainerSpec["livenessProbe"]>;
export type Handler = Pick<Probe, "exec" | "httpGet" | "tcpSocket" | "grpc">;

export interface ProbeTarget {
  readonly runtime: RuntimeService;
  readonly containerId: string;
  readonly container: ContainerSpec;
  /** The pod's; the node's for a pod in its network. */
  readonly ip: string;
  readonly timeoutSeconds: number;
}

/** Times that a question is asked which could not be asked (pkg/kubelet/prober, maxProbeRetries). */
const maxTries = 3;

/** Never throws: what fails is a bad answer. */
export async function runProbe(handler: Handler, target: ProbeTarget): Promise<ProbeAnswer> {
  for (let tries = 1; ; tries++) {
    const answer = await askOnce(handler, target);
    if (!answer.isUnknown || tries === maxTries) return answer;
  }
}

async function askOnce(handler: Handler, target: ProbeTarget): Promise<ProbeAnswer> {
  try {
    if (handler.exec) return await execProbe(handler.exec.command ?? [], target);
    if (handler.httpGet) return await httpProbe(handler.httpGet, target);
    if (handler.tcpSocket) return await tcpProbe(handler.tcpSocket, target);
    if (handler.grpc) return await grpcProbe(handler.grpc, target);
    return { isGood: false, message: "the probe asks nothing" };
  } catch (error) {
    const message = error instanceof FairleadError ? error.reason : (error as Error).message;
    return { isGood: false, isUnknown: true, message };
  }
}

/** A port by its number or by its name in the container. @throws Error with upstream's words */
export function portOf(port: number | string, { ports = [] }: ContainerSpec): number {
  if (typeof port === "number") return port;
  const named = ports.find(({ name }) => name === port)?.containerPort ?? Number(port);
  if (Number.isInteger(named) && named > 0) return named;
  throw new Error(`couldn't find port named "${port}"`);
}

/** What an Event shows of an output. */
const maxMessage = 10 * 1024;

async function execProbe(command: readonly string[], target: ProbeTarget): Promise<ProbeAnswer> {
  const { runtime, containerId, timeoutSeconds } = target;
  try {
    const { stdout, stderr, exitCode } = await runtime.execSync(containerId, command, timeoutSeconds);
    return { isGood: exitCode === 0, message: Buffer.concat([stdout, stderr]).subarray(0, maxMessage).toString() };
  } catch (error) {
    if (!(error instanceof FairleadError) || error.code !== "CRI_TIMEOUT") throw error;
    return { isGood: false, message: `command timed out: "${command.join(" ")}" timed out after ${timeoutSeconds}s` };
  }
}

type HttpGet = NonNullable<Probe["httpGet"]>;

function httpProbe(
  { path = "/", port, scheme = "HTTP", host, httpHeaders = [] }: HttpGet,
  { container, ip, timeoutSeconds }: ProbeTarget,
): Promise<ProbeAnswer> {
  const at = host ?? ip;
  const origin = `${scheme.toLowerCase()}://${hostPort(at, portOf(port, container))}`;
  const headers: Record<string, string> = { "user-agent": "kube-probe/1.34", accept: "*/*", connection: "close" };
  for (const { name, value } of httpHeaders) headers[name.toLowerCase()] = value;
  return getOverHttp(`${origin}${path.startsWith("/") ? path : `/${path}`}`, headers, timeoutSeconds * 1000);
}

type TcpSocket = NonNullable<Probe["tcpSocket"]>;

function tcpProbe({ port, host }: TcpSocket, target: ProbeTarget): Promise<ProbeAnswer> {
  const number = portOf(port, target.container);
  return new Promise((resolve) => {
    const socket = net.connect({ host: host ?? target.ip, port: number, timeout: target.timeoutSeconds * 1000 });
    const end = (answer: ProbeAnswer): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end({ isGood: true, message: "" }));
    socket.once("timeout", () => end({ isGood: false, message: `dial tcp ${target.ip}:${number}: i/o timeout` }));
    socket.once("error", (error) => end({ isGood: false, message: dialFailure(error) }));
  });
}

/** grpc/doc/health-checking.md */
const healthProto = `
syntax = "proto3";
package grpc.health.v1;
service Health { rpc Check(HealthCheckRequest) returns (HealthCheckResponse); }
message HealthCheckRequest { string service = 1; }
message HealthCheckResponse {
  enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; }
  ServingStatus status = 1;
}
`;

type Grpc = NonNullable<Probe["grpc"]>;

async function grpcProbe({ port, service }: Grpc, { ip, timeoutSeconds }: ProbeTarget): Promise<ProbeAnswer> {
  const endpoint = hostPort(ip, port);
  const channel = openChannel({ endpoint, proto: healthProto });
  try {
    const request = { service: service ?? "" };
    const answer = await channel.unary("grpc.health.v1.Health", "Check", request, timeoutSeconds * 1000);
    const { status } = answer as { status: string };
    return { isGood: status === "SERVING", message: `service unhealthy (responded with "${status}")` };
  } catch (error) {
    if (!(error instanceof FairleadError)) throw error;
    return { isGood: false, message: grpcFailure(error, endpoint, timeoutSeconds) };
  } finally {
    channel.close();
  }
}

/** pkg/probe/grpc */
function grpcFailure({ code, reason }: FairleadError, endpoint: string, timeoutSeconds: number): string {
  if (code === "CRI_UNIMPLEMENTED") {
    return `this server does not implement the grpc health protocol (grpc.health.v1.Health): ${reason}`;
  }
  if (code === "CRI_TIMEOUT") return `timeout: health rpc did not complete within ${timeoutSeconds}s`;
  if (code === "CRI_UNAVAILABLE")
    return `timeout: failed to connect service "${endpoint}" within ${timeoutSeconds}s: ${reason}`;
  return `error: health rpc probe failed: ${reason}`;
}
