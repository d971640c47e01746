/** What the machine lets a runtime do, probed. */
import { readFile } from "node:fs/promises";
import { isThere } from "../../files/whole.ts";

/** CAP_SYS_RESOURCE (capabilities(7)). */
const sysResource = 24n;

export async function mayLowerOomScore(): Promise<boolean> {
  const status = await readFile("/proc/self/status", "utf8");
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0";
  return ((BigInt(`0x${effective}`) >> sysResource) & 1n) === 1n;
}

/** The kernel has it, and the program that loads a profile is there. */
export async function hasAppArmor(): Promise<boolean> {
  const enabled = await readFile("/sys/module/apparmor/parameters/enabled", "utf8").catch(() => "N");
  if (!enabled.startsWith("Y")) return false;
  return (await isThere("/usr/sbin/apparmor_parser")) || (await isThere("/sbin/apparmor_parser"));
}
