/** Every scenario, in the order of `--list`. */
import type { AnyScenario } from "../scenario.ts";
import { codec } from "./codec.ts";

export const scenarios: readonly AnyScenario[] = [codec];
