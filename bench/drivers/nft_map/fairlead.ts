/** Fairlead's way to load the map: steps, encoded and sent as one batch. */
import { RealNftables } from "../../../src/kernel/real/nftables.ts";
import { pace, timedHere } from "../../clock.ts";
import type { Driver } from "../../driver.ts";
import { freshNamespace, missingProgram } from "../../namespace.ts";
import { chainNames, mapElements, type MapParameters } from "./content.ts";
import { listMap } from "./nft.ts";
import { mapSteps } from "./steps.ts";

export const fairleadMap: Driver<MapParameters> = {
  name: "fairlead",
  what: "NftablesPort.transact: encode, send, outcome; the steps and the socket are there before",
  async prepare(parameters, cleanup) {
    const steps = mapSteps(chainNames(parameters), mapElements(parameters));
    const namespace = await freshNamespace(cleanup);
    const port = await RealNftables.open(namespace);
    cleanup.add(() => port.close());
    return async () => {
      const { time, cpu } = await timedHere(() => port.transact(steps));
      const figures = { ...pace(time, parameters.elements), cpu };
      return missingProgram("nft") ? { figures } : { figures, outcome: await listMap(namespace, parameters) };
    };
  },
};
