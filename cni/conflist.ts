/** The network's configuration list as container runtimes read it (CNI specification 1.1.0, section 1). Pure. */
import { cniVersions } from "./plugin.ts";

export const pluginType = "fairlead-cni";

export interface ConflistOptions {
  /** Name of the network. Default "fairlead". */
  readonly name?: string;
  /** Fields of our plugin's configuration: those of cni/README.md. */
  readonly plugin?: Readonly<Record<string, unknown>>;
  /** Plugins that run after ours. */
  readonly chained?: readonly Readonly<Record<string, unknown>>[];
}

/**
 * Runtimes whose library is older than 1.1.0 read `cniVersion` and refuse one that they do not know; newer ones take
 * the best of `cniVersions`, and with it GC and STATUS.
 */
export function renderConflist({ name = "fairlead", plugin = {}, chained = [] }: ConflistOptions = {}): string {
  const capabilities = { portMappings: true, bandwidth: true, ips: true, mac: true, aliases: true };
  const list = {
    cniVersion: "1.0.0",
    cniVersions,
    name,
    plugins: [{ type: pluginType, capabilities, ...plugin }, ...chained],
  };
  return `${JSON.stringify(list, undefined, 2)}\n`;
}

/** Whether it is a list that we wrote: our plugin is in it. */
export function isOurs(text: string): boolean {
  try {
    const { plugins } = JSON.parse(text) as { plugins?: readonly { type?: unknown }[] };
    return Array.isArray(plugins) && plugins.some((plugin: { type?: unknown } | null) => plugin?.type === pluginType);
  } catch {
    return false;
  }
}
