/** The agent's side of the plugin: a unix socket on which shims hand in their calls. */
import { chmod, lstat, mkdir, rename, rm } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { FairleadError } from "../src/errors/catalogue.ts";
import type { NamespacePort } from "../src/kernel/ports.ts";
import { answeredVersion, type Request } from "./decode.ts";
import { CniError } from "./error.ts";
import { errorAnswer, handleCall, type Answer, type Call } from "./handle.ts";
import type { PodNetwork } from "./plugin.ts";
import { Turns } from "./turns.ts";
import { answerBytes, RequestReader } from "./wire.ts";

/** Where the shim looks when its configuration names no `socket`. */
export const defaultSocketPath = "/run/fairlead/cni.sock";

export interface CniServerOptions {
  readonly network: PodNetwork;
  readonly namespaces: NamespacePort;
  /** Default: {@link defaultSocketPath}. Its folder is made, for root alone. */
  readonly socketPath?: string;
  /** After each call, for logs and metrics. */
  readonly onCall?: (call: FinishedCall) => void;
  /** Calls that run at one time; more wait. Default 64. */
  readonly maxRunning?: number;
  /** Calls that wait; more are answered with code 11. Default 2000. */
  readonly maxWaiting?: number;
  /** After this the caller is answered with code 11, and the work goes on in its turn. Default 50,000. */
  readonly answerTimeoutMs?: number;
}

export interface FinishedCall {
  /** As the caller gave it: any text. */
  readonly verb: string;
  readonly containerId: string;
  readonly ifName: string;
  /** From the request's last byte to the answer, waiting included. */
  readonly durationMs: number;
  readonly error: CniError | undefined;
}

export interface CniServer {
  /** Calls that run, and that wait for their turn. */
  readonly load: { readonly running: number; readonly waiting: number };
  /**
   * Runs work of the agent's own between a container's calls.
   *
   * @throws CniError where too much waits, or the server stops
   */
  inTurn<T>(containerId: string, work: () => Promise<T>): Promise<T>;
  /**
   * Takes no more calls, answers those that wait with code 11, waits for those that run, and removes the socket.
   * Idempotent.
   *
   * @param timeoutMs after which those that run lose their callers. Default 10,000
   */
  stop(timeoutMs?: number): Promise<void>;
}

/** Within which a shim hands in its request: it has all of it before it connects. */
const requestTimeoutMs = 10_000;
/** Room for shims that wait, beyond what is read and waits for its turn. */
const backlog = 1024;

/** @throws FairleadError LISTEN where the socket is another's, or cannot be made */
export async function serveCni(options: CniServerOptions): Promise<CniServer> {
  const { maxRunning = 64, maxWaiting = 2000, answerTimeoutMs = 50_000, onCall } = options;
  const turns = new Turns({ limit: maxRunning, maxWaiting });
  const connections = new Set<net.Socket>();
  const answer = (call: Call) => answerInTime(handleInTurn(call, options, turns), call, answerTimeoutMs);
  const server = net.createServer((socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    serve(socket, answer, onCall);
  });
  const socketPath = options.socketPath ?? defaultSocketPath;
  // Beyond what may wait, and what is being read: a shim that is turned away says so with code 11.
  server.maxConnections = maxRunning + maxWaiting + backlog;
  const unlink = await listen(server, socketPath);
  let stopped: Promise<void> | undefined;
  const stop = async (timeoutMs: number) => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await unlink();
    turns.end();
    const timer = setTimeout(() => connections.forEach((socket) => socket.destroy()), timeoutMs);
    await closed;
    clearTimeout(timer);
  };
  return {
    get load() {
      return { running: turns.running, waiting: turns.waiting };
    },
    inTurn: (containerId, work) => turns.run(containerId, work, overloaded),
    stop: (timeoutMs = 10_000) => (stopped ??= stop(timeoutMs)),
  };
}

function handleInTurn(call: Call, { network, namespaces }: CniServerOptions, turns: Turns): Promise<Answer> {
  return handleCall(call, network, namespaces, (request, work) =>
    // STATUS asks whether ADD can be served: waiting behind a GC would say that it cannot.
    request.verb === "STATUS" ? work() : turns.run(turnKey(request), work, overloaded),
  );
}

function turnKey({ verb, containerId }: Request): string | undefined {
  return verb === "GC" ? undefined : containerId;
}

function overloaded(): CniError {
  return new CniError("tryAgainLater", "the agent has too much to do, or is about to stop");
}

async function answerInTime(work: Promise<Answer>, call: Call, timeoutMs: number): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Answer>((resolve) => {
    timer = setTimeout(() => {
      const error = new CniError("tryAgainLater", `the pod network is not done within ${timeoutMs} ms`, {
        details: "the outcome is unknown; the next call for this container waits for it",
      });
      resolve(errorAnswer(error, answeredVersion(call.stdin)));
    }, timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

// ── One connection: one call ──────────────────────────────────────────────────────────────────────────────────

function serve(socket: net.Socket, answer: (call: Call) => Promise<Answer>, onCall: CniServerOptions["onCall"]): void {
  const reader = new RequestReader();
  // A shim that was killed: its call goes on, and there is nobody to answer.
  socket.on("error", () => socket.destroy());
  socket.setTimeout(requestTimeoutMs, () => socket.destroy());
  socket.on("data", (chunk) => {
    let call: Call | undefined;
    try {
      call = reader.push(chunk);
    } catch {
      socket.destroy();
      return;
    }
    if (!call) return;
    socket.setTimeout(0);
    void finish(socket, call, answer, onCall);
  });
}

async function finish(
  socket: net.Socket,
  call: Call,
  answer: (call: Call) => Promise<Answer>,
  onCall: CniServerOptions["onCall"],
): Promise<void> {
  const beganMs = performance.now();
  const done = await answer(call);
  if (!socket.destroyed) socket.end(answerBytes(done));
  const { environment } = call;
  onCall?.({
    verb: environment.get("CNI_COMMAND") ?? "",
    containerId: environment.get("CNI_CONTAINERID") ?? "",
    ifName: environment.get("CNI_IFNAME") ?? "",
    durationMs: performance.now() - beganMs,
    error: done.error,
  });
}

// ── The socket's file ─────────────────────────────────────────────────────────────────────────────────────────

/**
 * Listens under another name first and renames: nobody meets a socket that is open to all, and one that an agent left
 * when it was killed is replaced at once.
 *
 * @returns removes the file, unless another agent has taken its place
 */
async function listen(server: net.Server, socketPath: string): Promise<() => Promise<void>> {
  // One name for all agents: what one leaves that is killed here, the next one removes.
  const temporary = `${socketPath}.new`;
  try {
    // sun_path has 108 bytes, its end included; node would cut a longer one off.
    if (Buffer.byteLength(temporary) > 107) throw new Error("the path is too long for a socket");
    await mkdir(path.dirname(socketPath), { recursive: true, mode: 0o700 });
    if (await isServed(socketPath)) throw new Error("another agent serves there");
    await rm(temporary, { force: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ path: temporary, backlog }, resolve);
    });
    await chmod(temporary, 0o600);
    await rename(temporary, socketPath);
  } catch (cause) {
    server.close();
    throw new FairleadError("LISTEN", { subject: socketPath, cause });
  }
  const { ino } = await lstat(socketPath);
  return async () => {
    const now = await lstat(socketPath).catch(() => undefined);
    if (now?.ino === ino) await rm(socketPath, { force: true });
  };
}

function isServed(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect(socketPath);
    const end = (served: boolean) => {
      probe.destroy();
      resolve(served);
    };
    probe.once("connect", () => end(true));
    probe.once("error", () => end(false));
    probe.setTimeout(1000, () => end(true));
  });
}
