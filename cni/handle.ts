/** One call of the plugin: what the runtime gave → the pod network → what the plugin prints, and its exit code. */
import { FairleadError } from "../src/errors/catalogue.ts";
import type { NamespacePort, NetworkNamespace } from "../src/kernel/ports.ts";
import { answeredVersion, decodeRequest, type Request } from "./decode.ts";
import { quote, type Environment } from "./environment.ts";
import { CniError, cniCodes } from "./error.ts";
import type { PodNetwork } from "./plugin.ts";
import { renderResult } from "./result.ts";

export interface Call {
  readonly environment: Environment;
  readonly stdin: Uint8Array;
}

export interface Answer {
  readonly exitCode: 0 | 1;
  /** JSON, or nothing. */
  readonly stdout: string;
  /** Of the answer, where it is an error. */
  readonly error?: CniError;
}

/** Decides when a request's turn has come: see turns.ts. */
export type Schedule = <T>(request: Request, work: () => Promise<T>) => Promise<T>;

/** Never throws: what goes wrong is the answer. */
export async function handleCall(
  call: Call,
  network: PodNetwork,
  namespaces: NamespacePort,
  schedule: Schedule = (_request, work) => work(),
): Promise<Answer> {
  try {
    const request = decodeRequest(call.environment, call.stdin);
    const stdout = await schedule(request, () => verbs[request.verb](request, network, namespaces));
    return { exitCode: 0, stdout };
  } catch (cause) {
    return errorAnswer(toCniError(cause), answeredVersion(call.stdin));
  }
}

type Verb = (request: Request, network: PodNetwork, namespaces: NamespacePort) => Promise<string>;

const verbs: Readonly<Record<Request["verb"], Verb>> = {
  async ADD(request, network, namespaces) {
    const namespace = await checkedNamespace(request.netns, namespaces);
    try {
      const result = await network.add(request, namespace);
      return JSON.stringify(renderResult(result, request.config.cniVersion));
    } finally {
      namespace.close();
    }
  },
  async CHECK(request, network, namespaces) {
    const namespace = await checkedNamespace(request.netns, namespaces);
    namespace.close();
    await network.check({ ...request, prevResult: request.prevResult! });
    return "";
  },
  async DEL(request, network, namespaces) {
    const found = await lookAt(request.netns, namespaces);
    if (found === "own") throw ownNamespace(request.netns);
    const isThere = typeof found === "object";
    if (isThere) found.close();
    await network.delete({ ...request, netns: isThere ? request.netns : undefined });
    return "";
  },
  async GC({ config, validAttachments }, network) {
    await network.collect({ config, validAttachments });
    return "";
  },
  async STATUS({ config }, network) {
    await network.status(config);
    return "";
  },
};

/**
 * @returns open: the caller closes it
 * @throws CniError unknownContainer where there is nothing, invalidEnvironment for what is no container's namespace
 */
async function checkedNamespace(path: string, namespaces: NamespacePort): Promise<NetworkNamespace> {
  const found = await lookAt(path, namespaces);
  if (typeof found === "object") return found;
  if (found === "own") throw ownNamespace(path);
  if (found === "absent") throw new CniError("unknownContainer", `CNI_NETNS: ${quote(path)} does not exist`);
  throw new CniError("invalidEnvironment", `CNI_NETNS: ${quote(path)} is not a network namespace`);
}

/** An interface there would be one of the node's. */
function ownNamespace(path: string): CniError {
  return new CniError("invalidEnvironment", `CNI_NETNS: ${quote(path)} is the node's own network namespace`);
}

/** A container's, open; or what the path leads to instead. */
type Found = NetworkNamespace | "own" | "absent" | "no namespace";

async function lookAt(path: string, namespaces: NamespacePort): Promise<Found> {
  if (path === "") return "absent";
  try {
    const [own, other] = [await ownInode(namespaces), await namespaces.open({ path })];
    if (own !== other.inode) return other;
    other.close();
    return "own";
  } catch (error) {
    if (!(error instanceof FairleadError) || error.errno === undefined) throw error;
    return absentErrnos.has(error.errno) ? "absent" : "no namespace";
  }
}

/** By the port: a process stays in its namespace, so that one look is enough. */
const ownInodes = new WeakMap<NamespacePort, bigint>();

async function ownInode(namespaces: NamespacePort): Promise<bigint> {
  const known = ownInodes.get(namespaces);
  if (known !== undefined) return known;
  const own = await namespaces.open({ pid: process.pid });
  own.close();
  ownInodes.set(namespaces, own.inode);
  return own.inode;
}

/** ENOENT, ESRCH (a process that has ended), ENOTDIR: a part of the path is no folder. */
const absentErrnos: ReadonlySet<number> = new Set([2, 3, 20]);

function toCniError(cause: unknown): CniError {
  if (cause instanceof CniError) return cause;
  if (cause instanceof FairleadError) {
    return new CniError(cause.retryable ? "tryAgainLater" : "internal", cause.message, { details: cause.code, cause });
  }
  return new CniError("internal", cause instanceof Error ? cause.message : String(cause), { cause });
}

export function errorAnswer(error: CniError, cniVersion: string): Answer {
  const { code, msg, details } = error;
  return { exitCode: 1, stdout: JSON.stringify({ cniVersion, code, msg, ...(details ? { details } : {}) }), error };
}

/** Whether an answer is an error that the caller brought about, not the network. */
export function isCallersFault(error: CniError): boolean {
  const { incompatibleVersion, internal, tryAgainLater } = cniCodes;
  return error.code >= incompatibleVersion && error.code < internal && error.code !== tryAgainLater;
}
