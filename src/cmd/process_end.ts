/** What ends a process that runs until it is told. */
import { unwatchFile, watchFile } from "node:fs";
import { FairleadError } from "../errors/catalogue.ts";
import type { ProgramLog } from "../log/log.ts";

/** How often the configuration is looked at, in ms. */
const lookMs = 2000;

/**
 * Resolves at SIGTERM or SIGINT; a second one ends the process at once. Rejects when the configuration has changed, as
 * upstream's programs end then: whoever runs them starts them anew.
 *
 * @param reload reads it anew at SIGHUP, which then does not end the process
 */
export function untilEnd(
  programLog: ProgramLog,
  configFile: string | undefined,
  reload?: () => Promise<void>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let isEnding = false;
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        if (isEnding) {
          programLog.flush();
          process.exit(1);
        }
        isEnding = true;
        programLog.log.info({ signal }, "stopping");
        resolve();
      });
    }
    const watch = (): void => {
      if (configFile === undefined) return;
      watchFile(configFile, { interval: lookMs, persistent: false }, () => {
        unwatchFile(configFile);
        const reason = "content of the proxy server's configuration file was updated";
        reject(new FairleadError("CONFIG_CHANGED", { subject: configFile, reason }));
      });
    };
    watch();
    if (!reload) return;
    let reloading: Promise<void> = Promise.resolve();
    process.on("SIGHUP", () => {
      // What it holds now is read: that it is another than before is no reason to end.
      if (configFile !== undefined) unwatchFile(configFile);
      watch();
      reloading = reloading.then(reload).catch(reject);
    });
  });
}
