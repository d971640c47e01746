/** Writes conntrack's settings where they differ. */
import { FairleadError } from "../../errors/catalogue.ts";
import type { SysctlPort } from "../../kernel/ports.ts";
import { hashSizeFor, type Setting } from "./settings.ts";

/** The number of conntrack's buckets: a parameter of the module, of the whole machine. */
export interface HashSizePort {
  /** @throws FairleadError where it cannot be read */
  read(): Promise<number>;
  /** @throws FairleadError; errno EROFS: /sys is read-only, EOPNOTSUPP: not from this network namespace */
  write(buckets: number): Promise<void>;
}

/** Upstream's reason of the Event that says it, and its words. */
export const readOnlySysFs = {
  reason: "readOnlySysFS",
  message:
    "CRI error: /sys is read-only: cannot modify conntrack limits, problems may arise later " +
    "(If running Docker, see docker issue #24000)",
} as const;

const erofs = 30;

export interface SettingsResult {
  /** The table is larger than its buckets are meant for, and stays so: an Event is due. */
  readonly isSysFsReadOnly: boolean;
}

export interface SettingsObserver {
  readonly onWritten: (setting: Setting) => void;
  /** Told of what the kernel did not take; what it throws ends the rest. */
  readonly onRefused: (error: unknown) => void;
}

/**
 * In their order, each by itself: in a network namespace of its own a proxy may set the times, but not the machine's limits.
 *
 * @throws what `onRefused` throws
 */
export async function applySettings(
  settings: readonly Setting[],
  sysctl: SysctlPort,
  hashSize: HashSizePort,
  { onWritten, onRefused }: SettingsObserver,
): Promise<SettingsResult> {
  let isSysFsReadOnly = false;
  for (const setting of settings) {
    try {
      if (await writeIfOther(setting, sysctl)) onWritten(setting);
      if (!setting.name.endsWith("/nf_conntrack_max")) continue;
      isSysFsReadOnly = !(await growHashTable(hashSizeFor(setting.value), hashSize));
    } catch (error) {
      onRefused(error);
    }
  }
  return { isSysFsReadOnly };
}

async function writeIfOther({ name, value }: Setting, sysctl: SysctlPort): Promise<boolean> {
  // What cannot be read is written all the same: the error is that one's.
  const before = await sysctl.read(name).catch(() => undefined);
  if (before === String(value)) return false;
  await sysctl.write(name, String(value));
  return true;
}

/** Never made smaller. @returns whether it is large enough now */
async function growHashTable(buckets: number, hashSize: HashSizePort): Promise<boolean> {
  if ((await hashSize.read()) >= buckets) return true;
  try {
    await hashSize.write(buckets);
    return true;
  } catch (error) {
    if (error instanceof FairleadError && error.errno === erofs) return false;
    throw error;
  }
}

/**
 * Lets 127.0.0.1 be translated, for node ports of localhost (upstream: pkg/proxy/iptables, localhostNodePorts): only
 * when they are asked for, because others could reach what listens on loopback alone (CVE-2020-8558).
 *
 * @returns whether it was not so
 */
export function allowLocalhostNodePorts(sysctl: SysctlPort): Promise<boolean> {
  return writeIfOther({ name: "net/ipv4/conf/all/route_localnet", value: 1 }, sysctl);
}
