/** Others empty whole tables: firewalld when it is reloaded. The agent asks each syncPeriod, as upstream's Monitor does. */
import type { RulesWatch } from "./mode.ts";

export interface WithCanaries {
  /** Whether the tables have what is put there to be missed. */
  hasCanaries(): Promise<boolean>;
}

export function canaryWatch(families: readonly WithCanaries[]): RulesWatch {
  return {
    start: () => Promise.resolve(),
    stop: () => undefined,
    sawEverything: async () => {
      for (const family of families) if (!(await family.hasCanaries())) return false;
      return true;
    },
  };
}
