import { codecDrivers } from "../drivers/codec.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

/** Things of unlike kinds: nothing is compared, a change shows against the figures of the commit before. */
export const codec: Scenario = {
  name: "codec",
  what: "encode and decode the hot netlink messages in memory, things a second (benny)",
  figure: "rate",
  better: "higher",
  parameters: {},
  drivers: codecDrivers,
  compared: false,
  rounds: 10,
  warmUp: 2,
  precision: noisyRounds,
  targets: [],
};
