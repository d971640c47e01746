import { fairleadUp, type UpParameters } from "../drivers/up/up.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

const bound = (figure: string, atMost: number) => ({ kind: "bound", driver: fairleadUp.name, figure, atMost }) as const;

export const up: Scenario<UpParameters> = {
  name: "up",
  what: "a cluster on one machine: time to a Ready node and to the demo's answers; memory and processor time at rest",
  figure: "ready",
  better: "lower",
  parameters: { settleMs: 15_000, idleMs: 30_000 },
  drivers: [fairleadUp],
  compared: false,
  rounds: 5,
  warmUp: 1,
  precision: noisyRounds,
  targets: [bound("ready", 6000), bound("demo", 10_000), bound("idle rss", 220), bound("idle cpu", 2)],
};
