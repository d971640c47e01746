/** Every scenario, in the order of `--list`. */
import type { AnyScenario } from "../scenario.ts";
import { aa } from "./aa.ts";
import { codec } from "./codec.ts";
import { kernelPath } from "./kernel_path.ts";
import { nftMapLoad } from "./nft_map_load.ts";
import { routeLoad } from "./route_load.ts";

export const scenarios: readonly AnyScenario[] = [nftMapLoad, routeLoad, codec, kernelPath, aa];
