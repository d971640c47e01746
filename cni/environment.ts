/** A runtime's environment → what it asks for. Every variable that is wrong is named (code 4). Pure. */
import { CniError } from "./error.ts";
import { cniVerbs, type CniVerb } from "./plugin.ts";

/** The variables of a request that the shim passes on, as it found them. */
export type Environment = ReadonlyMap<string, string>;

export interface Parameters {
  readonly verb: CniVerb;
  /** "" where the verb does not need it. */
  readonly containerId: string;
  readonly ifName: string;
  /** "" where none is given. */
  readonly netns: string;
  readonly args: ReadonlyMap<string, string>;
  readonly path: readonly string[];
}

/** What each verb cannot do without, by the specification's section 2. */
const required: Readonly<Record<CniVerb, readonly string[]>> = {
  ADD: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"],
  CHECK: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"],
  DEL: ["CNI_CONTAINERID", "CNI_IFNAME"],
  GC: ["CNI_PATH"],
  STATUS: [],
};

/** Name of a file under the folder of leases, too: hence the bound. */
const longestContainerId = 255;
/** PATH_MAX, with its end. */
const longestPath = 4095;

/** @throws CniError invalidEnvironment */
export function decodeEnvironment(environment: Environment): Parameters {
  const value = (name: string): string => environment.get(name) ?? "";
  const verb = cniVerbs.find((name) => name === value("CNI_COMMAND"));
  if (!verb) throw wrong([`CNI_COMMAND: ${quote(value("CNI_COMMAND"))} is none of ${cniVerbs.join(", ")}, VERSION`]);
  const missing = required[verb].filter((name) => value(name) === "");
  if (missing.length > 0) throw wrong(missing.map((name) => `${name}: ${verb} needs it`));

  const args = decodeArgs(value("CNI_ARGS"));
  const attaches = required[verb].includes("CNI_CONTAINERID");
  const faults = [
    ...(attaches ? [containerIdFault(value("CNI_CONTAINERID")), ifNameFault(value("CNI_IFNAME"))] : []),
    ...(attaches && value("CNI_NETNS") !== "" ? [netnsFault(value("CNI_NETNS"))] : []),
    args === undefined ? `CNI_ARGS: ${quote(value("CNI_ARGS"))} is not KEY=VALUE;KEY=VALUE` : undefined,
  ].filter((fault) => fault !== undefined);
  if (faults.length > 0 || !args) throw wrong(faults);

  return {
    verb,
    containerId: value("CNI_CONTAINERID"),
    ifName: value("CNI_IFNAME"),
    netns: value("CNI_NETNS"),
    args,
    path: value("CNI_PATH").split(":").filter(Boolean),
  };
}

function wrong(faults: readonly string[]): CniError {
  return new CniError("invalidEnvironment", `invalid environment variables: ${faults.join("; ")}`);
}

function containerIdFault(id: string): string | undefined {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(id) && id.length <= longestContainerId) return undefined;
  return `CNI_CONTAINERID: ${quote(id)} is not 1 to ${longestContainerId} letters, digits, "_", "." and "-", the first a letter or a digit`;
}

/** What is wrong with the name of a link that a plugin is to make; undefined for a good one. */
export function linkNameFault(name: string): string | undefined {
  if (name === "" || Buffer.byteLength(name) > 15) return "is not 1 to 15 bytes";
  if (name === "." || name === "..") return "is a folder";
  // net/core/dev.c, dev_valid_name(): these and white space. U+0085 is white space to others, but not to JavaScript.
  if (/[/:\s\u0085]/.test(name)) return 'has "/", ":" or white space';
  // dev_alloc_name() would choose another name.
  if (name.includes("%")) return 'has "%"';
  // devinet.c, sysctl_dev_name_is_allowed(): they are folders of net.ipv4.conf already.
  if (name === "all" || name === "default") return "is taken by net.ipv4.conf";
  return undefined;
}

function ifNameFault(name: string): string | undefined {
  const fault = linkNameFault(name);
  return fault && `CNI_IFNAME: ${quote(name)} ${fault}`;
}

/** Whether it is a namespace, only the kernel can say. */
function netnsFault(path: string): string | undefined {
  if (path.startsWith("/") && !path.includes("\0") && Buffer.byteLength(path) <= longestPath) return undefined;
  return `CNI_NETNS: ${quote(path)} is not an absolute path`;
}

function decodeArgs(text: string): ReadonlyMap<string, string> | undefined {
  const pairs = text.split(";").filter((pair) => pair !== "");
  if (pairs.some((pair) => !/^[^=]+=/.test(pair))) return undefined;
  return new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}

/** Text of somebody else's in an error: on one line, and not all of it. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
