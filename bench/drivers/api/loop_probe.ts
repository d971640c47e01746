/** Loaded into a server's process before its program (node --import): tells its parent how its event loop did. */
import { monitorEventLoopDelay } from "node:perf_hooks";

const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
process.on("message", (message) => {
  if (message !== "loop delay") return;
  process.send?.({ max: delay.max / 1e6, p99: delay.percentile(99) / 1e6 });
  delay.reset();
});
// The parent's questions keep no program alive.
process.channel?.unref();
