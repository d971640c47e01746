/** Takes the overlay away. */
import type { RoutingChange, RoutingPort } from "../../kernel/ports.ts";
import { applyLinks } from "./apply.ts";
import { isVtepName, observeEntries, observeLinks } from "./observe.ts";
import { renderEntry } from "./render.ts";
import type { OverlayOptions } from "./state.ts";

/** Removes VTEPs of every VNI and with them what they carry, and the routes that bear the overlay's mark. */
export async function removeOverlay(port: RoutingPort, options: Pick<OverlayOptions, "linkName">): Promise<void> {
  const isVtep = (name: string): boolean => isVtepName(options, name);
  const observed = await observeLinks(port);
  const devices = new Map(observed.links.map(({ name = "", index }) => [name, index]));
  const entries = await observeEntries(port, observed, isVtep);
  const routes = [...entries.values()].filter(({ kind }) => kind === "route");
  const vteps = observed.links.filter(({ name = "", info }) => info?.kind === "vxlan" && isVtep(name));
  await applyLinks(port, [
    ...routes.flatMap((route) => renderEntry("delete", route, devices) ?? []),
    ...vteps.map(({ index }): RoutingChange => ({ verb: "delete", object: "link", value: { index } })),
  ]);
}
