/** What evictions go by: signals of the node, and what pods use. A port, for pressure cannot be made at will. */
import type { Pod } from "../../model/kubernetes.ts";
import type { Observations } from "./signals.ts";
import type { PodUse } from "./usage.ts";

export interface NodeStats {
  /** Whether images have a file system of their own. */
  hasImageFs(): Promise<boolean>;
  signals(): Promise<Observations>;
  /** By uid. Of a pod of which nothing is known there is nothing. */
  pods(pods: readonly Pod[]): Promise<ReadonlyMap<string, PodUse>>;
}
