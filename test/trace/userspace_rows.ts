/** Rows of the flow table that the userspace mode has otherwise, as upstream's had, and why. */
import type { Expected, Flow } from "./flows.ts";

/** What the userspace mode does with a flow of TCP or UDP. */
export function userspaceExpectedOf({ expect }: Flow): Expected {
  // kubernetes/website, "Using Source IP" (1.25 and before), and "Virtual IPs", "User space proxy mode": connections end at the
  // proxy, and endpoints see its node for a client, whatever policies say.
  return typeof expect === "string" ? expect : { ...expect, as: "node" };
}
