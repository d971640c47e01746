import { expect, it } from "vitest";
import { reportText } from "../../../bench/report.ts";
import type { BenchResult, ScenarioResult } from "../../../bench/result.ts";
import { summarize } from "../../../bench/statistics.ts";

const figure = (unit: string, values: number[], warmUp: number[] = []) => ({
  unit,
  values,
  warmUp,
  summary: summarize(values),
});

const load: ScenarioResult = {
  scenario: "map-load",
  what: "load a verdict map into an empty namespace",
  figure: "time",
  better: "lower",
  parameters: { elements: 10_000 },
  seed: 42,
  rounds: 3,
  warmUp: 1,
  precision: { kind: "rounds", confidence: 0.99 },
  drivers: [
    {
      name: "fairlead",
      what: "",
      outcome: "10,000 elements",
      figures: { rate: figure("1/s", [1e6, 1.1e6]), time: figure("ms", [9.87, 10.1], [31.24]) },
    },
    { name: "nft -f", what: "", outcome: null, figures: { time: figure("ms", [54, 55.5]) } },
    { name: "kube-proxy", what: "", missing: "KUBE_PROXY is not set" },
  ],
  comparisons: [
    {
      subject: "fairlead",
      rival: "nft -f",
      ratio: 5.4321,
      low: 5.1,
      high: 12.3,
      coverage: 0.9921,
      verdict: "better",
      ratios: [],
    },
    {
      subject: "fairlead",
      rival: "other",
      ratio: 1,
      low: 0.9,
      high: 1.1,
      coverage: 0.5,
      verdict: "too few rounds",
      ratios: [],
    },
  ],
  targets: [
    { target: { kind: "ratio", rival: "nft -f", atLeast: 4 }, value: 5.43, met: true },
    { target: { kind: "figure", driver: "fairlead", figure: "rate", atLeast: 2e6 }, value: 1.05e6, met: false },
    { target: { kind: "ratio", rival: "kube-proxy", atLeast: 4 }, value: null, met: null },
    { target: { kind: "same", rival: "nft -f" }, value: 5.43, met: false },
  ],
};

const counted: ScenarioResult = {
  ...load,
  scenario: "kernel-path",
  figure: "instructions",
  parameters: {},
  precision: { kind: "repeatable", within: 0.01 },
  drivers: [{ name: "direct", what: "", outcome: null, figures: { instructions: figure("instructions", [156_000]) } }],
  comparisons: [
    {
      subject: "direct",
      rival: "dnat",
      ratio: 1.14,
      low: 1.12,
      high: 1.16,
      coverage: 1,
      verdict: "better",
      ratios: [],
    },
  ],
  targets: [],
};

const result: BenchResult = {
  schema: "fairlead-bench/1",
  startedAt: "2026-01-02T03:04:05.000Z",
  machine: {
    cpu: "Some CPU",
    cores: 2,
    memoryBytes: 16 * 2 ** 30,
    kernel: "6.12.1",
    versions: { fairlead: "abc+changes", node: "v20.20.2", nft: "none" },
    load: { before: 0.5, after: 1 },
  },
  scenarios: [load, counted],
};

const golden = `
map-load: load a verdict map into an empty namespace
  elements 10,000 · 3 rounds after 1 of warm-up · seed 42

  driver    figure     median         half of rounds        min        max      first  unit
  fairlead  time         9.99            9.93 – 10.0       9.87       10.1       31.2  ms
            rate    1,050,000  1,025,000 – 1,075,000  1,000,000  1,100,000  1,000,000  1/s
  nft -f    time         54.8            54.4 – 55.1       54.0       55.5       54.0  ms
  each brought about: 10,000 elements
  kube-proxy: not given (KUBE_PROXY is not set)

  time, nft -f / fairlead: 5.43× (99.2 % interval 5.10 – 12.3): better
  time, other / fairlead: 1.000× (range 0.900 – 1.100): too few rounds to tell a difference
  target at least 4× against nft -f: met (5.43)
  target rate of fairlead at least 2,000,000: MISSED (1,050,000)
  target at least 4× against kube-proxy: not checked
  target no difference to nft -f: MISSED (5.43)

kernel-path: load a verdict map into an empty namespace
  3 rounds after 1 of warm-up · seed 42

  driver  figure         median     half of rounds      min      max    first  unit
  direct  instructions  156,000  156,000 – 156,000  156,000  156,000  156,000  instructions

  instructions, dnat / direct: 1.140× (repeatable to 1 %: 1.120 – 1.160): better

machine   Some CPU, 2 cores, 16.0 GiB
kernel    6.12.1
versions  fairlead abc+changes, node v20.20.2, nft none
load      0.50 before, 1.00 after (begun 2026-01-02T03:04:05.000Z)
`;

it("shows figures, ratios with their spread, targets and the machine", () => {
  expect("\n" + reportText(result)).toBe(golden);
});
