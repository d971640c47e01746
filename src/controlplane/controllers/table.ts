/** Every controller that there is; a new one is a row here and a folder beside this file. */
import type { ControllerRow } from "./controller.ts";

export const controllerTable: readonly ControllerRow[] = [];
