/** `fairlead down`: further nodes first, which need the control plane's machine, and not the other way round. */
import type { UpContext } from "../context.ts";
import { takeDown, type DownOptions } from "../take_down.ts";
import { takeDownFurther } from "./further.ts";

export async function takeDownAll(context: UpContext, options: DownOptions): Promise<void> {
  await takeDownFurther(context, options.purge);
  await takeDown(context, options);
}
