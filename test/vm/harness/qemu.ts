import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import type { Duplex, Readable } from "node:stream";
import { messageOf } from "../../../src/errors/message.ts";
import { descriptors } from "./qemu_arguments.ts";

/** A running qemu with its channels. Who starts it must `kill` it. */
export interface Qemu {
  /** The guest's control console, /dev/hvc0. */
  readonly control: Duplex;
  /** The command's standard output and error, each a port of its own. */
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** qemu's human monitor. */
  readonly monitor: Duplex;
  /** Resolves when qemu has ended, with what it said of itself on standard error. Never rejects. */
  readonly ended: Promise<string>;
  /** Ends qemu at once and waits until it is gone. Idempotent. */
  kill(): Promise<void>;
}

/**
 * Starts qemu. The kernel kills it when the thread that started it ends (setpriv's --pdeathsig), so that not even a
 * killed test runner leaves a machine behind. It is detached from the terminal, whose Ctrl-C is for us to handle.
 */
export function startQemu(args: readonly string[], snapshotFd?: number): Qemu {
  const stdio: StdioOptions = ["ignore", "ignore", "pipe", "pipe", "pipe", "pipe", "pipe"];
  if (snapshotFd !== undefined) stdio.push(snapshotFd);
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", ...args], { stdio, detached: true });
  const ended = watchEnd(child);
  const streams = child.stdio as unknown as readonly Duplex[];
  const channel = (name: keyof typeof descriptors) => quiet(streams[descriptors[name]] as Duplex);
  return {
    control: channel("control"),
    stdout: channel("stdout"),
    stderr: channel("stderr"),
    monitor: channel("monitor"),
    ended,
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function watchEnd(child: ChildProcess): Promise<string> {
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (said += text));
  try {
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    return said.trim() || `qemu ended with ${signal ?? `exit code ${code}`}`;
  } catch (cause) {
    const reason = messageOf(cause);
    return `cannot start qemu: ${reason} (install the Debian packages qemu-system-x86 and util-linux)`;
  }
}

/** A write to a machine that has just ended is no error of ours: its end is reported by `ended`. */
function quiet(channel: Duplex): Duplex {
  return channel.on("error", () => undefined);
}
