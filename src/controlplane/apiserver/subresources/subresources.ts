/** Everything that answers subresources of the built-in kinds, for the composition of a server. */
import type { Store } from "../../store/store.ts";
import type { SubresourceHandlers } from "../routes.ts";
import { bindingAnswers, bindingHandlers } from "./binding.ts";
import { componentStatusAnswers } from "./component_statuses.ts";
import { connectHandlers, type Connect, type ConnectOptions } from "./connect.ts";
import { evictionHandlers } from "./eviction.ts";
import { partHandlers } from "./parts.ts";
import { builtInScales } from "./scale.ts";

export interface Subresources extends Connect {
  /** What answers kinds that are not kept: bindings, componentstatuses. */
  readonly answers: SubresourceHandlers;
}

export function builtInSubresources(store: Store, options: ConnectOptions): Subresources {
  const { subresources, upgrade } = connectHandlers(options);
  const all = [builtInScales, bindingHandlers, evictionHandlers, partHandlers, subresources];
  return {
    subresources: new Map(all.flatMap((handlers) => [...handlers])),
    answers: new Map([...bindingAnswers, ...componentStatusAnswers(store)]),
    upgrade,
  };
}
