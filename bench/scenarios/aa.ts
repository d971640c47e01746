import { fairleadMap } from "../drivers/nft_map/fairlead.ts";
import type { MapParameters } from "../drivers/nft_map/content.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

/** What a difference here would be is a fault of the frame. */
export const aa: Scenario<MapParameters> = {
  name: "aa",
  what: "Fairlead's load of nft-map-load against itself: the frame must see no difference",
  figure: "time",
  better: "lower",
  parameters: { elements: 10_000, chains: 8 },
  drivers: [fairleadMap, { ...fairleadMap, name: "fairlead again" }],
  compared: true,
  rounds: 40,
  warmUp: 5,
  precision: noisyRounds,
  targets: [{ kind: "same", rival: "fairlead again" }],
};
