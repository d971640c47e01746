/** Every controller that there is; a new one is a row here and a folder beside this file. */
import type { ControllerRow } from "./controller.ts";
import { namespaceController } from "./namespace/namespace.ts";

export const controllerTable: readonly ControllerRow[] = [namespaceController];
