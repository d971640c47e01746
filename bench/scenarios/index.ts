/** Every scenario, in the order of `--list`. */
import type { AnyScenario } from "../scenario.ts";
import { aa } from "./aa.ts";
import { codec } from "./codec.ts";
import { nftMapLoad } from "./nft-map-load.ts";

export const scenarios: readonly AnyScenario[] = [nftMapLoad, codec, aa];
