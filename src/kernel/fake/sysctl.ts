/** Kernel parameters in memory: those that it was given, and no others. */
import type { SysctlPort } from "../ports.ts";
import { sysctlParts } from "../sysctl_name.ts";
import { callRefused, errno } from "./refusal.ts";

export class FakeSysctl implements SysctlPort {
  readonly #values = new Map<string, string>();

  /** @param values by name, in either form; a parameter whose value is a number takes only numbers (EINVAL) */
  constructor(values: Readonly<Record<string, string>> = {}) {
    for (const [name, value] of Object.entries(values)) this.#values.set(keyOf(name), value);
  }

  async read(name: string): Promise<string> {
    const value = this.#values.get(keyOf(name));
    if (value === undefined) throw callRefused(`read kernel parameter ${name}`, errno.noEntry);
    return value;
  }

  async write(name: string, value: string): Promise<void> {
    const what = `set kernel parameter ${name} to ${JSON.stringify(value)}`;
    const key = keyOf(name);
    const before = this.#values.get(key);
    if (before === undefined) throw callRefused(what, errno.noEntry);
    const after = value.trim();
    if (isNumber(before) && !isNumber(after)) throw callRefused(what, errno.invalid);
    this.#values.set(key, isNumber(before) ? String(Number(after)) : after);
    return Promise.resolve();
  }
}

function keyOf(name: string): string {
  return sysctlParts(name).join("/");
}

function isNumber(value: string): boolean {
  return /^-?\d+$/.test(value);
}
