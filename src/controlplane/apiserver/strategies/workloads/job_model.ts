/** A Job's spec, as its parts are checked. */
import type { V1JobSpec } from "@kubernetes/client-node";
import type { Json } from "../../validation/json.ts";

export type JobSpec = Json<V1JobSpec>;
