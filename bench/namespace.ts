/** A network namespace for one measurement, and programs run in it. */
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { native, type NativeNamespace } from "../src/kernel/native.ts";
import type { Cleanup } from "./driver.ts";

/** Without a name, so that it goes with its handle even when the process is killed. */
export async function freshNamespace(cleanup: Cleanup): Promise<NativeNamespace> {
  const namespace = await native().createNamespace();
  cleanup.add(() => namespace.close());
  return namespace;
}

/** A folder for the files of one measurement. */
export function scratchFolder(cleanup: Cleanup): string {
  const folder = mkdtempSync(path.join(tmpdir(), `fairlead-bench-${process.pid}-`));
  cleanup.add(() => rmSync(folder, { recursive: true }));
  return folder;
}

/**
 * Runs a program to its end, straight from the add-on: no shell, no `ip netns exec` whose own start
 * would be measured with it.
 *
 * @throws Error with what the program wrote when it fails
 */
export async function runProgram(
  namespace: NativeNamespace,
  argv: readonly [string, ...string[]],
  stdin?: string,
): Promise<string> {
  const { status, signal, stdout, stderr } = await native().runInNamespace(namespace, {
    argv,
    timeoutMs: 300_000,
    maxOutputBytes: 256 << 20,
    ...(stdin === undefined ? {} : { stdin: Buffer.from(stdin) }),
  });
  if (status !== 0) {
    const said = stderr.toString().slice(0, 500) || "it said nothing";
    throw new Error(`${argv.join(" ")} ended with ${status ?? `signal ${signal}`}: ${said}`);
  }
  return stdout.toString();
}

/** Why a program cannot be run; undefined when it is in PATH. */
export function missingProgram(program: string): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(path.delimiter);
  return folders.some((folder) => isExecutable(path.join(folder, program))) ? undefined : `no ${program} in PATH`;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
