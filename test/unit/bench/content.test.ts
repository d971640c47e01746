import { describe, expect, it } from "vitest";
import { listedOutcome, mapElements, nftText, wantedOutcome } from "../../../bench/drivers/nft_map/content.ts";
import * as routes from "../../../bench/drivers/routes/content.ts";

describe("the map that is loaded", () => {
  const parameters = { elements: 4, chains: 3 };

  it("has a tcp and a udp frontend an address, each to one of the shared chains", () => {
    expect(mapElements(parameters)).toEqual([
      { address: "10.96.0.1", protocol: "tcp", port: 443, chain: "fan-out-1" },
      { address: "10.96.0.1", protocol: "udp", port: 53, chain: "fan-out-2" },
      { address: "10.96.0.2", protocol: "tcp", port: 443, chain: "fan-out-3" },
      { address: "10.96.0.2", protocol: "udp", port: 53, chain: "fan-out-1" },
    ]);
    expect(nftText(parameters)).toContain("10.96.0.2 . tcp . 443 : goto fan-out-3,");
  });

  it("has no key twice, however large", () => {
    const keys = mapElements({ elements: 100_000, chains: 8 }).map((e) => `${e.address} ${e.protocol} ${e.port}`);
    expect(new Set(keys).size).toBe(100_000);
  });

  it("is known from a listing of it, whatever its order", () => {
    const elements = [
      "10.96.0.1 . 6 . 443 : goto fan-out-1",
      "10.96.0.1 . 17 . 53 : goto fan-out-2",
      "10.96.0.2 . 6 . 443 : goto fan-out-3",
      "10.96.0.2 . 17 . 53 : goto fan-out-1",
    ];
    const wanted = wantedOutcome(parameters);
    expect(wanted).toMatch(/^4 elements, sha256 /);
    expect(listedOutcome(`elements = { ${elements.toReversed().join(",\n")} }`)).toBe(wanted);
    expect(listedOutcome(`elements = { ${elements.slice(1).join(", ")} }`)).not.toBe(wanted);
    expect(listedOutcome(`elements = { ${[...elements, elements[0]].join(", ")} }`)).not.toBe(wanted);
  });
});

describe("the routes that are added", () => {
  it("are networks of their own, as many as wanted", () => {
    const networks = routes.destinations({ routes: 70_000 });
    expect(new Set(networks).size).toBe(70_000);
    expect(networks[257]).toBe("10.1.1.0");
    expect(networks[65_536]).toBe("11.0.0.0");
  });

  it("are counted without the network of the link itself", () => {
    const listing =
      "10.0.0.0/24 via 192.0.2.2 dev bench0 proto static \n192.0.2.0/24 dev bench0 proto kernel scope link \n";
    expect(routes.listedOutcome(listing)).toMatch(/^1 routes, /);
  });
});
