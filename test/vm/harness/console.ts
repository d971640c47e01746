import { createInterface } from "node:readline";
import { VmError } from "./error.ts";
import type { Qemu } from "./qemu.ts";

/** What the guest says on its control console: `fairlead-vm WORD [VALUE]`, from image/init.sh and guest_script.ts. */
export type GuestWord = "ready" | "started" | "exit";

export interface GuestConsole {
  /** Waits for a word and resolves with its value. Rejects when the machine ends, or says nothing for `timeoutMs`. */
  heard(word: GuestWord, timeoutMs?: number): Promise<string>;
  /** Tells a guest that is ready to go on. */
  go(): void;
}

export function openConsole(qemu: Qemu): GuestConsole {
  const said = new Map<string, string>();
  const waiting = new Map<string, (value: string) => void>();
  const lines = createInterface({ input: qemu.control });
  lines.on("line", (line) => {
    const [, word, value = ""] = /^fairlead-vm (\w+) ?(.*?)\r*$/.exec(line) ?? [];
    if (word === undefined) return;
    said.set(word, value);
    waiting.get(word)?.(value);
  });
  // A machine that dies resets its channels: `ended` reports that.
  lines.on("error", () => undefined);

  const word = (name: GuestWord) =>
    new Promise<string>((resolve) => {
      const value = said.get(name);
      if (value === undefined) waiting.set(name, resolve);
      else resolve(value);
    });

  return {
    heard: (name, timeoutMs) => withTimeout(Promise.race([word(name), endOf(qemu, name)]), name, timeoutMs),
    go: () => void qemu.control.write("go\n"),
  };
}

async function endOf(qemu: Qemu, name: GuestWord): Promise<never> {
  const reason = await qemu.ended;
  throw new VmError("GUEST_DIED", `the virtual machine ended before it said "${name}": ${reason}`);
}

async function withTimeout<T>(work: Promise<T>, name: GuestWord, timeoutMs: number | undefined): Promise<T> {
  if (timeoutMs === undefined) return work;
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new VmError("GUEST_SILENT", `the guest did not say "${name}" within ${timeoutMs / 1000} s of its start`));
    }, timeoutMs);
  });
  return Promise.race([work, silence]).finally(() => clearTimeout(timer));
}
