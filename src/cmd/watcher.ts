/**
 * What runs `up` and sleeps in its place (native/watcher): it is this process's parent, and the cluster's supervisor by its
 * number. Where the launcher has not found it, `up` stays awake.
 */
import { writeSync } from "node:fs";

export type EndSignal = "SIGINT" | "SIGTERM";

export interface Watcher {
  readonly pid: number;
  /** Why `up` was begun anew; absent: it is at its beginning. */
  readonly woken: "change" | EndSignal | undefined;
  /** Ends this process; another one begins where something is not as it was noted (`src/up/notes.ts`), or at a signal. */
  readonly sleep: (notes: string) => never;
}

/** Of native/watcher/main.cc. */
const asleepCode = 75;

/** @returns undefined: nobody would wake it. What is started from here hears nothing of it. */
export function takeWatcher(environment: NodeJS.ProcessEnv = process.env): Watcher | undefined {
  const { FAIRLEAD_WATCHER: who, FAIRLEAD_WOKEN: woken } = environment;
  delete environment["FAIRLEAD_WATCHER"];
  delete environment["FAIRLEAD_WOKEN"];
  const [pid, descriptor = 0] = who === undefined ? [] : who.split(" ").map(Number);
  if (pid === undefined || pid !== process.ppid) return undefined;
  const sleep = (notes: string): never => {
    writeSync(descriptor, notes);
    process.exit(asleepCode);
  };
  return { pid, woken: woken as Watcher["woken"], sleep };
}
