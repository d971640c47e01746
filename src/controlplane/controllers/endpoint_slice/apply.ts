/** Writes EndpointSlices and waits until the informer has them, so that the next plan is made on them. */
import { keyOf } from "../../../api/client.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isNotFound } from "../../../api/status_error.ts";
import type { ControllerContext } from "../controller.ts";
import type { SliceStep } from "./slice.ts";

export async function applySlice({ client, informers }: ControllerContext, step: SliceStep): Promise<void> {
  const type = resourceTypes.endpointSlices;
  const informer = informers.of(type);
  if (step.kind === "create") await informer.saw(await client.create(type, step.slice));
  else if (step.kind === "update") await informer.saw(await client.update(type, step.slice));
  else {
    try {
      await client.delete(type, keyOf(step.slice));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    await informer.sawDeleted(step.slice);
  }
}
