/** Every scenario, in the order of `--list`. */
import type { AnyScenario } from "../scenario.ts";

export const scenarios: readonly AnyScenario[] = [];
