/**
 * Gives memory back when nothing is asked: V8 itself collects only as it allocates, so that what a burst of requests
 * has left would stay until the next one.
 */
import { setFlagsFromString, getHeapStatistics } from "node:v8";
import { runInNewContext } from "node:vm";

/** How often it is looked whether the server is idle, in ms. */
const lookEveryMs = 5000;
/** The part of one processor that an idle server uses at the most. */
const idleShare = 0.05;
/** What must be to gain, in bytes. */
const worthwhileBytes = 8 * 1024 * 1024;
/** Live memory up to which a collection keeps the event loop for less than 50 ms, in bytes. */
const smallBytes = 48 * 1024 * 1024;

/** Looks for idle times until it is stopped; it keeps no process alive. @returns how to stop it */
export function collectWhenIdle(collect = collector(), everyMs = lookEveryMs): () => void {
  let before = process.cpuUsage();
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    const { used_heap_size: usedBytes, total_physical_size: heldBytes } = getHeapStatistics();
    if (isWorthwhile({ share: (user + system) / 1000 / everyMs, usedBytes, heldBytes })) collect();
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Whether to collect. @param state the share of a processor that was used, and what the heap uses and holds */
export function isWorthwhile(state: {
  readonly share: number;
  readonly usedBytes: number;
  readonly heldBytes: number;
}): boolean {
  const { share, usedBytes, heldBytes } = state;
  return share < idleShare && usedBytes < smallBytes && heldBytes - usedBytes > worthwhileBytes;
}

/** V8's own collection, which node shows to who asks for it by a flag. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
