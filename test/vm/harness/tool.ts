import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { VmError, type VmErrorCode } from "./error.ts";

/** Runs a host program to its end and returns what it printed; a failure carries what it complained of. */
export async function runTool(code: VmErrorCode, program: string, args: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)(program, [...args])).stdout.trim();
  } catch (cause) {
    const { stderr = "", message } = cause as Error & { stderr?: string };
    throw new VmError(code, `cannot run ${program} ${args.join(" ")}: ${stderr.trim() || message}`, cause);
  }
}
