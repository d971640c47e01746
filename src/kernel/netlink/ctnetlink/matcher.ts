/** Many filters at once: what is stale after a change of many Services is found in one reading of the table. */
import type { IpAddress } from "../../../model/address.ts";
import type { ConntrackEntry } from "./entry.ts";
import { matches, type ConntrackFilter } from "./filter.ts";

/**
 * Whether any of the filters means an entry. Filters that name an original destination (a frontend)
 * cost nothing for entries of other destinations.
 */
export function anyMatcher(filters: readonly ConntrackFilter[]): (entry: ConntrackEntry) => boolean {
  const byDestination = new Map<IpAddress, ConntrackFilter[]>();
  const rest: ConntrackFilter[] = [];
  for (const filter of filters) {
    const destination = filter.original?.destination;
    if (destination === undefined) rest.push(filter);
    else byDestination.set(destination, [...(byDestination.get(destination) ?? []), filter]);
  }
  return (entry) => {
    const candidates = byDestination.get(entry.original.destination) ?? [];
    return candidates.some((filter) => matches(filter, entry)) || rest.some((filter) => matches(filter, entry));
  };
}

/** A filter that means all that any of the filters means, and more: what the kernel is asked for. */
export function commonFilter(filters: readonly ConntrackFilter[]): ConntrackFilter {
  const [first, ...others] = filters;
  if (!first || others.length === 0) return first ?? {};
  const protocol = first.original?.protocol;
  return {
    ...(first.family !== undefined && others.every((f) => f.family === first.family) && { family: first.family }),
    ...(first.zone !== undefined && others.every((f) => f.zone === first.zone) && { zone: first.zone }),
    ...(protocol !== undefined && others.every((f) => f.original?.protocol === protocol) && { original: { protocol } }),
  };
}
