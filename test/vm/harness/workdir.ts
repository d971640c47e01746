import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const prefix = "fairlead-vm.";

/** A temporary directory named after this process; the caller removes it. Sweeps those of processes that are gone. */
export function createWorkdir(): string {
  sweep();
  return mkdtempSync(path.join(tmpdir(), `${prefix}${process.pid}.`));
}

export function removeWorkdir(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}

/** A process that was killed could not remove its directory; nobody else uses a dead process's name. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(new RegExp(`^${prefix}(\\d+)\\.`).exec(name)?.[1]);
    if (pid > 0 && !isAlive(pid)) removeWorkdir(path.join(tmpdir(), name));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
