/** Units on a machine: written where systemd looks, and enabled; or removed. */
import { execFile } from "node:child_process";
import { mkdir, readFile, readlink, rm, symlink } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { FairleadError } from "../../errors/catalogue.ts";
import { isThere, writeWhole } from "../../files/whole.ts";
import { marker, renderUnit, unitName, type Role, type UnitOptions } from "./render.ts";

const run = promisify(execFile);
/** What ends by `systemctl stop` has its own bound below this, in ms. */
const systemctlMs = 120_000;

export interface Place {
  /** "/", or the folder of another system that is being made. */
  readonly root: string;
}

export interface Installed {
  readonly file: string;
  /** Whether a systemd runs that was told. */
  readonly isTold: boolean;
}

/** Writes and enables it. @throws FairleadError SYSTEMD_UNIT */
export async function installUnit(place: Place, role: Role, options: UnitOptions): Promise<Installed> {
  const { file, link } = filesOf(place, role);
  await refuseForeign(file);
  await writeWhole(file, renderUnit(role, options), 0o644);
  await mkdir(path.dirname(link), { recursive: true });
  // What `systemctl enable` does, where nobody runs who could (systemd.unit(5), [Install]).
  if ((await readlink(link).catch(() => "")) !== file) {
    await rm(link, { force: true });
    await symlink(path.join("/", path.relative(place.root, file)), link);
  }
  const isTold = await isRunning(place);
  if (isTold) await systemctl(file, "daemon-reload");
  return { file, isTold };
}

/** Stops, disables and removes it. @returns undefined where there was none */
export async function uninstallUnit(place: Place, role: Role): Promise<Installed | undefined> {
  const { file, link } = filesOf(place, role);
  if (!(await isThere(file))) return undefined;
  await refuseForeign(file);
  const isTold = await isRunning(place);
  if (isTold) await systemctl(file, "disable", "--now", unitName(role));
  for (const one of [link, file]) await rm(one, { force: true });
  if (isTold) await systemctl(file, "daemon-reload");
  return { file, isTold };
}

export async function startUnit(role: Role): Promise<void> {
  await systemctl(unitName(role), "restart", unitName(role));
}

function filesOf({ root }: Place, role: Role): { readonly file: string; readonly link: string } {
  const folder = path.join(root, "etc/systemd/system");
  const name = unitName(role);
  return { file: path.join(folder, name), link: path.join(folder, "multi-user.target.wants", name) };
}

async function refuseForeign(file: string): Promise<void> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined || text.startsWith(marker)) return;
  throw new FairleadError("SYSTEMD_UNIT", { subject: file, reason: "it is somebody else's" });
}

/** sd_booted(3) */
async function isRunning({ root }: Place): Promise<boolean> {
  return root === "/" && (await isThere("/run/systemd/system"));
}

async function systemctl(subject: string, ...args: readonly string[]): Promise<void> {
  try {
    await run("systemctl", args, { timeout: systemctlMs });
  } catch (cause) {
    throw new FairleadError("SYSTEMD_UNIT", { subject, cause });
  }
}
