/** Services change at random: after each change there is what a fresh start would program, and nothing is refused. */
import { it } from "vitest";
import { seed } from "../../../fixtures/seed.ts";
import { fakeFamilies } from "../../../fixtures/walk/ipvs_servers.ts";
import { walkIpvs } from "../../../fixtures/walk/ipvs_walk.ts";

const walks = process.env["FAIRLEAD_LONG"] === "1" ? 300 : 3;
const steps = 50;

it(`${walks} walks of ${steps} changes, from seed ${seed}`, { timeout: 3_600_000 }, async () => {
  for (let walk = 0; walk < walks; walk++) await walkIpvs({ ports: await fakeFamilies(), seed: seed + walk, steps });
});
