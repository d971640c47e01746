import { messageOf } from "../../../src/errors/message.ts";
import { openConsole } from "./console.ts";
import { VmError } from "./error.ts";
import type { Qemu } from "./qemu.ts";
import { bootTimeoutMs } from "./snapshot.ts";

/** A guest restored from its snapshot answers within a second; one that does not has a bad snapshot. */
const restoreTimeoutMs = 60_000;

/** The guest did not come back from its snapshot: nothing of the command has run, so trying again is harmless. */
export class RestoreError extends VmError {}

/** Takes a machine that has just been started through its run; resolves with the command's exit code. */
export async function converse(qemu: Qemu, from: "boot" | "snapshot"): Promise<number> {
  const guest = openConsole(qemu);
  if (from === "boot") {
    await guest.heard("ready", bootTimeoutMs);
    guest.go();
    await guest.heard("started", bootTimeoutMs);
  } else {
    guest.go();
    await guest.heard("started", restoreTimeoutMs).catch((cause: unknown) => {
      const reason = messageOf(cause);
      throw new RestoreError("GUEST_SILENT", `cannot start from the snapshot: ${reason}`, cause);
    });
  }
  return Number(await guest.heard("exit"));
}

/** Rejects when the time is over or the caller has had enough; `stop` ends the watch. */
export function watchLimits(timeoutMs: number, signal: AbortSignal | undefined) {
  let stop = () => {};
  const reached = new Promise<never>((_, reject) => {
    const abort = () => reject(new VmError("ABORTED", "the run was interrupted"));
    const timer = setTimeout(() => {
      reject(new VmError("TIMEOUT", `the command did not end within ${timeoutMs / 1000} s and was killed`));
    }, timeoutMs);
    stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    signal?.addEventListener("abort", abort);
    if (signal?.aborted === true) abort();
  });
  return { reached, stop };
}
