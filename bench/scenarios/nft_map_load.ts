import { fairleadMap } from "../drivers/nft_map/fairlead.ts";
import { nftMap } from "../drivers/nft_map/nft.ts";
import type { MapParameters } from "../drivers/nft_map/content.ts";
import { noisyRounds, type Scenario } from "../scenario.ts";

export const nftMapLoad: Scenario<MapParameters> = {
  name: "nft-map-load",
  what: "load a verdict map (address . protocol . port → goto a shared chain) into an empty namespace",
  figure: "time",
  better: "lower",
  parameters: { elements: 10_000, chains: 8 },
  drivers: [fairleadMap, nftMap],
  compared: true,
  rounds: 30,
  warmUp: 5,
  precision: noisyRounds,
  targets: [{ kind: "ratio", rival: nftMap.name, atLeast: 4 }],
};
