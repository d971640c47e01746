/** `fairlead version`: what a report of a fault should begin with. */
import os from "node:os";
import type { Command } from "commander";
import { FairleadError } from "../errors/catalogue.ts";
import { native } from "../kernel/native.ts";
import { packageVersion } from "./package_version.ts";

interface VersionReport {
  readonly version: string;
  readonly node: string;
  /** Release of the running kernel, as `uname -r` prints it. */
  readonly kernel: string;
  readonly arch: string;
  readonly addon: { readonly loaded: true } | { readonly loaded: false; readonly reason: string };
}

export function configure(command: Command): void {
  command.option("--json", "print JSON").action((options: { json?: true }) => {
    const report = collect();
    process.stdout.write(options.json ? `${JSON.stringify(report)}\n` : describe(report));
  });
}

function collect(): VersionReport {
  return {
    version: packageVersion(),
    node: process.versions.node,
    kernel: os.release(),
    arch: process.arch,
    addon: probeAddon(),
  };
}

/** An add-on that does not load is a thing to report here, not a failure. */
function probeAddon(): VersionReport["addon"] {
  try {
    native();
    return { loaded: true };
  } catch (error) {
    if (error instanceof FairleadError) return { loaded: false, reason: error.message };
    throw error;
  }
}

function describe({ version, node, kernel, arch, addon }: VersionReport): string {
  const addonState = addon.loaded ? "loaded" : `not loaded: ${addon.reason}`;
  return `fairlead ${version}\nnode     ${node}\nkernel   ${kernel} ${arch}\nadd-on   ${addonState}\n`;
}
