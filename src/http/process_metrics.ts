/**
 * process_* as Prometheus's own clients have them (procfs). prom-client's collectDefaultMetrics also watches the event
 * loop and garbage collection, a hundred wake-ups a second of a node's agent that has nothing to do.
 */
import { readdirSync, readFileSync } from "node:fs";
import { Counter, Gauge, type Registry } from "prom-client";

export function registerProcessMetrics(registry: Registry): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number | undefined): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const value = read();
        if (value !== undefined) this.set(value);
      },
    });
  };
  new Counter({
    name: "process_cpu_seconds_total",
    help: "Total user and system CPU time spent in seconds.",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  gauge("process_resident_memory_bytes", "Resident memory size in bytes.", () => process.memoryUsage.rss());
  gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", virtualBytes);
  gauge("process_open_fds", "Number of open file descriptors.", openDescriptors);
  gauge("process_max_fds", "Maximum number of open file descriptors.", maxDescriptors);
  const startSeconds = Date.now() / 1000 - process.uptime();
  gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", () => startSeconds);
}

function virtualBytes(): number | undefined {
  const kib = /^VmSize:\s+(\d+) kB$/m.exec(read("/proc/self/status"))?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

function maxDescriptors(): number | undefined {
  const max = /^Max open files\s+(\d+)/m.exec(read("/proc/self/limits"))?.[1];
  return max === undefined ? undefined : Number(max);
}

function openDescriptors(): number | undefined {
  try {
    // Less the one that reads them.
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    return undefined;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
