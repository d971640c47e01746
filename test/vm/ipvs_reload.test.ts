/** The program in mode ipvs, with an API server: it serves, and goes from every other mode to this one and back. */
import { afterAll, afterEach, beforeAll, it } from "vitest";
import { ModeSwitches, type SwitchedMode } from "../fixtures/mode_switches.ts";

let switches: ModeSwitches;
beforeAll(async () => {
  switches = await ModeSwitches.start();
}, 300_000);
afterEach(() => switches.cluster.clear());
afterAll(() => switches?.cluster.stop());

const isLong = process.env["FAIRLEAD_LONG"] === "1";
const others: readonly SwitchedMode[] = isLong ? ["nftables", "iptables", "userspace"] : ["nftables"];

it.each(others)(
  "from %s to ipvs and back at SIGHUP, under traffic",
  (mode) => switches.thereAndBack(mode, "ipvs"),
  300_000,
);

if (isLong) {
  it(
    "from ipvs to nftables and back at SIGHUP, under traffic",
    () => switches.thereAndBack("ipvs", "nftables"),
    300_000,
  );
}
