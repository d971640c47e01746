import { watchDrivers, type WatchParameters } from "../drivers/api/drivers.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

export const apiWatch: Scenario<WatchParameters> = {
  name: "api-watch",
  what: "watch fan-out over TLS: events a second of a burst of creates, latency of paced ones from send to arrival",
  figure: "events",
  better: "higher",
  parameters: { watchers: 500, burst: 400, paced: 100, rate: 20, bytes: 1024 },
  drivers: watchDrivers,
  compared: true,
  rounds: 3,
  warmUp: 1,
  precision: noisyRounds,
  targets: [],
};
