/** Runs a command under another kernel: the whole of the harness behind one function. */
import { closeSync, cpSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Writable } from "node:stream";
import { VmError } from "./error.ts";
import { guestEnvironment, renderStartScript } from "./guest_script.ts";
import { ensureImage, type Image } from "./image.ts";
import { defaultMachine, type Machine } from "./machine.ts";
import { collect, tail, type Output } from "./output.ts";
import { qemuArguments, type QemuFiles } from "./qemu_arguments.ts";
import { startQemu, type Qemu } from "./qemu.ts";
import { converse, RestoreError, watchLimits } from "./session.ts";
import { discardSnapshot, ensureSnapshot, type Snapshot } from "./snapshot.ts";
import { createWorkdir, removeWorkdir } from "./workdir.ts";

export const defaultTimeoutMs = 600_000;

export interface RunSpec {
  /** A bash script, run as root in the guest. What it leaves in /vmout comes back. */
  readonly script: string;
  /** Merged over {@link defaultMachine}. */
  readonly machine?: Partial<Machine>;
  /** The command is killed, machine and all, after so long. Default: {@link defaultTimeoutMs}. */
  readonly timeoutMs?: number | undefined;
  /** Default: this process's. The host's files are the guest's, read-only below a writable layer that is lost. */
  readonly cwd?: string;
  /** Added to what is passed on of this process's environment: FAIRLEAD_*, VITEST_* and CI. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where the command's output streams to, beside being returned. */
  readonly stdout?: Writable;
  readonly stderr?: Writable;
  /** A directory on the host that receives what the command left in /vmout, however it ended. */
  readonly outDirectory?: string;
  /** Ends the machine at once; the run rejects with ABORTED. */
  readonly signal?: AbortSignal | undefined;
}

export interface RunResult {
  /** The command's exit code. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** How the guest started: from a snapshot that was there, from one made for this run, or by booting. */
  readonly start: "snapshot" | "new snapshot" | "boot";
  /** Version of the guest's kernel, as `uname -r` prints it. */
  readonly kernel: string;
}

/** Runs a command in the guest. Rejects with a {@link VmError} when the machine, not the command, fails. */
export async function runInVm(spec: RunSpec): Promise<RunResult> {
  const machine = { ...defaultMachine(), ...spec.machine };
  const image = await ensureImage(machine.kernel);
  if (machine.clock === "instructions") return attempt(spec, machine, image, undefined);
  const snapshot = await ensureSnapshot(machine, image);
  try {
    return await attempt(spec, machine, image, snapshot);
  } catch (error) {
    if (!(error instanceof RestoreError)) throw error;
    // A snapshot that is there but does not restore is made anew, once.
    discardSnapshot(snapshot.file);
    return attempt(spec, machine, image, await ensureSnapshot(machine, image));
  }
}

async function attempt(spec: RunSpec, machine: Machine, image: Image, snapshot?: Snapshot): Promise<RunResult> {
  const share = createWorkdir();
  const files: QemuFiles = { share, kernelLog: path.join(share, ".fairlead/kernel.log") };
  const limits = watchLimits(spec.timeoutMs ?? defaultTimeoutMs, spec.signal);
  try {
    writeCommand(spec, image, share);
    const qemu = launch(machine, image, files, snapshot);
    const output: Output = { stdout: collect(qemu.stdout, spec.stdout), stderr: collect(qemu.stderr, spec.stderr) };
    try {
      const conversation = converse(qemu, snapshot === undefined ? "boot" : "snapshot");
      const exitCode = await Promise.race([conversation, limits.reached]);
      // Its end also flushes the output.
      await qemu.kill();
      return { exitCode, stdout: output.stdout(), stderr: output.stderr(), ...origin(snapshot, image) };
    } catch (error) {
      await qemu.kill();
      throw withConsole(error, output, files);
    }
  } finally {
    limits.stop();
    if (spec.outDirectory !== undefined) copyOut(share, spec.outDirectory);
    removeWorkdir(share);
  }
}

function writeCommand(spec: RunSpec, image: Image, share: string): void {
  const own = path.join(share, ".fairlead");
  const env = { ...guestEnvironment(process.env, image), ...spec.env };
  mkdirSync(own);
  writeFileSync(path.join(own, "command"), spec.script);
  writeFileSync(path.join(own, "start"), renderStartScript(image, spec.cwd ?? process.cwd(), env, new Date()));
}

function launch(machine: Machine, image: Image, files: QemuFiles, snapshot: Snapshot | undefined): Qemu {
  if (snapshot === undefined) return startQemu(qemuArguments(machine, image, files, "boot"));
  const ram = openSync(snapshot.file, "r");
  try {
    return startQemu(qemuArguments(machine, image, files, "snapshot"), ram);
  } finally {
    closeSync(ram);
  }
}

function origin(snapshot: Snapshot | undefined, image: Image): Pick<RunResult, "start" | "kernel"> {
  const start = snapshot === undefined ? "boot" : snapshot.isNew ? "new snapshot" : "snapshot";
  return { start, kernel: image.version };
}

function copyOut(share: string, outDirectory: string): void {
  const own = path.join(share, ".fairlead");
  cpSync(share, outDirectory, { recursive: true, filter: (source) => source !== own });
}

/** The same error, with what the guest last printed: the reader was not there. */
function withConsole(error: unknown, output: Output, { kernelLog }: QemuFiles): unknown {
  if (!(error instanceof VmError) || error.code === "ABORTED") return error;
  error.message +=
    tail("standard output", output.stdout()) +
    tail("standard error", output.stderr()) +
    tail("the guest kernel's console", existsSync(kernelLog) ? readFileSync(kernelLog, "utf8") : "");
  return error;
}
