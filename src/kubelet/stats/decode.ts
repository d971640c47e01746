/** Files of a control group → what it uses (admin-guide/cgroup-v1, cgroup-v2.rst). Pure. */

/** A file of a group, by its controller; undefined where there is none. */
export type ReadGroup = (controller: "cpu" | "cpuacct" | "memory" | "pids", file: string) => string | undefined;

export interface CpuUse {
  readonly usageNanos: number;
  readonly userNanos: number;
  readonly systemNanos: number;
  /** Of the bandwidth controller; 0 where nothing limits. */
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly throttledNanos: number;
}

export interface MemoryUse {
  readonly usageBytes: number;
  /** What cannot be given back at once: without inactive pages of files. */
  readonly workingSetBytes: number;
  readonly rssBytes: number;
  readonly cacheBytes: number;
  readonly mappedBytes: number;
  readonly swapBytes: number;
  readonly maxUsageBytes: number;
  /** 0: none. */
  readonly limitBytes: number;
  readonly failures: number;
  readonly pageFaults: number;
  readonly majorPageFaults: number;
  readonly oomKills: number;
}

export interface GroupUse {
  readonly cpu: CpuUse | undefined;
  readonly memory: MemoryUse | undefined;
  readonly processes: number;
}

export function decodeGroup(version: 1 | 2, read: ReadGroup): GroupUse {
  return {
    cpu: version === 2 ? cpuV2(read) : cpuV1(read),
    memory: version === 2 ? memoryV2(read) : memoryV1(read),
    processes: number(read("pids", "pids.current")),
  };
}

function cpuV1(read: ReadGroup): CpuUse | undefined {
  const usage = read("cpuacct", "cpuacct.usage");
  if (usage === undefined) return undefined;
  const stat = fields(read("cpu", "cpu.stat"));
  return {
    usageNanos: number(usage),
    userNanos: number(read("cpuacct", "cpuacct.usage_user")),
    systemNanos: number(read("cpuacct", "cpuacct.usage_sys")),
    periods: stat("nr_periods"),
    throttledPeriods: stat("nr_throttled"),
    throttledNanos: stat("throttled_time"),
  };
}

function cpuV2(read: ReadGroup): CpuUse | undefined {
  const text = read("cpu", "cpu.stat");
  if (text === undefined) return undefined;
  const stat = fields(text);
  return {
    usageNanos: stat("usage_usec") * 1000,
    userNanos: stat("user_usec") * 1000,
    systemNanos: stat("system_usec") * 1000,
    periods: stat("nr_periods"),
    throttledPeriods: stat("nr_throttled"),
    throttledNanos: stat("throttled_usec") * 1000,
  };
}

function memoryV1(read: ReadGroup): MemoryUse | undefined {
  const usage = read("memory", "memory.usage_in_bytes");
  if (usage === undefined) return undefined;
  const stat = fields(read("memory", "memory.stat"));
  const usageBytes = number(usage);
  return {
    usageBytes,
    workingSetBytes: Math.max(0, usageBytes - stat("total_inactive_file")),
    rssBytes: stat("total_rss"),
    cacheBytes: stat("total_cache"),
    mappedBytes: stat("total_mapped_file"),
    swapBytes: stat("total_swap"),
    maxUsageBytes: number(read("memory", "memory.max_usage_in_bytes")),
    limitBytes: limit(read("memory", "memory.limit_in_bytes")),
    failures: number(read("memory", "memory.failcnt")),
    pageFaults: stat("total_pgfault"),
    majorPageFaults: stat("total_pgmajfault"),
    oomKills: fields(read("memory", "memory.oom_control"))("oom_kill"),
  };
}

function memoryV2(read: ReadGroup): MemoryUse | undefined {
  const usage = read("memory", "memory.current");
  if (usage === undefined) return undefined;
  const stat = fields(read("memory", "memory.stat"));
  const events = fields(read("memory", "memory.events"));
  const usageBytes = number(usage);
  return {
    usageBytes,
    workingSetBytes: Math.max(0, usageBytes - stat("inactive_file")),
    rssBytes: stat("anon"),
    cacheBytes: stat("file"),
    mappedBytes: stat("file_mapped"),
    swapBytes: number(read("memory", "memory.swap.current")),
    maxUsageBytes: number(read("memory", "memory.peak")),
    limitBytes: limit(read("memory", "memory.max")),
    failures: events("max"),
    pageFaults: stat("pgfault"),
    majorPageFaults: stat("pgmajfault"),
    oomKills: events("oom_kill"),
  };
}

/** "name value" a line. */
function fields(text = ""): (name: string) => number {
  const known = new Map<string, number>();
  for (const line of text.split("\n")) {
    const at = line.indexOf(" ");
    if (at > 0) known.set(line.slice(0, at), number(line.slice(at + 1)));
  }
  return (name) => known.get(name) ?? 0;
}

function number(text: string | undefined): number {
  const value = Number(text ?? 0);
  return Number.isFinite(value) ? value : 0;
}

/** With v1 none is the largest multiple of a page, with v2 a word. */
function limit(text: string | undefined): number {
  const value = number(text);
  return value >= 2 ** 62 ? 0 : value;
}

export interface LinkUse {
  readonly name: string;
  readonly rxBytes: number;
  readonly rxPackets: number;
  readonly rxErrors: number;
  readonly rxDropped: number;
  readonly txBytes: number;
  readonly txPackets: number;
  readonly txErrors: number;
  readonly txDropped: number;
}

/** @param text /proc/PID/net/dev (proc_net(5)); lo is left out */
export function decodeLinks(text: string): readonly LinkUse[] {
  return text.split("\n").flatMap((line) => {
    const [name = "", values] = line.split(":");
    if (values === undefined || name.trim() === "lo") return [];
    const at = values.trim().split(/\s+/).map(Number);
    const of = (index: number): number => at[index] ?? 0;
    return [
      {
        name: name.trim(),
        rxBytes: of(0),
        rxPackets: of(1),
        rxErrors: of(2),
        rxDropped: of(3),
        txBytes: of(8),
        txPackets: of(9),
        txErrors: of(10),
        txDropped: of(11),
      },
    ];
  });
}

export interface NodeMemory {
  readonly totalBytes: number;
  readonly usageBytes: number;
  readonly workingSetBytes: number;
  readonly rssBytes: number;
  readonly swapTotalBytes: number;
  readonly swapUsedBytes: number;
}

/** @param text /proc/meminfo: what the root group of cgroup v2 does not tell */
export function decodeMeminfo(text: string): NodeMemory {
  const of = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0) * 1024;
  const totalBytes = of("MemTotal");
  const usageBytes = totalBytes - of("MemFree");
  return {
    totalBytes,
    usageBytes,
    workingSetBytes: Math.max(0, usageBytes - of("Inactive\\(file\\)")),
    rssBytes: of("AnonPages"),
    swapTotalBytes: of("SwapTotal"),
    swapUsedBytes: of("SwapTotal") - of("SwapFree"),
  };
}
