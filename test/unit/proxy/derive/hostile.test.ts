/** Malformed and hostile objects: what of them is served, and what is said of the rest. */
import { describe, expect, it } from "vitest";
import { parseIp } from "../../../../src/model/address.ts";
import { deriveService } from "../../../../src/proxy/derive/derive.ts";
import type { Frontend } from "../../../../src/proxy/derive/frontends.ts";
import type { Problem } from "../../../../src/proxy/derive/problems.ts";
import { hostileCases, type HostileCase } from "../../../fixtures/hostile_services.ts";

const options = { node: { name: "node", zone: "", ips: [parseIp("192.0.2.1")!] }, masqueradeAll: false };

function describeFrontend({ address, port, target, sourceRanges }: Frontend): string {
  const where = `${address ?? "*"}:${port}`;
  if (target.action !== "balance") return `${where} ${target.action}s`;
  const { backends } = target;
  const to =
    backends.length > 9 ? `${backends.length} backends` : Array.from(backends, (b) => `${b.ip}:${b.port}`).join(" ");
  return `${where} → ${to}${sourceRanges ? ` for ${sourceRanges.join(", ")}` : ""}`;
}

function derived({ service, slices }: HostileCase) {
  const problems: Problem[] = [];
  const ports = deriveService(service, slices, "IPv4", options, (problem) => problems.push(problem));
  return { problems, frontends: [...ports.values()].flatMap(({ frontends }) => frontends) };
}

describe("a Service with", () => {
  it.each(hostileCases)("$name", (hostile) => {
    const { problems, frontends } = derived(hostile);
    expect(problems.map(({ reason, field }) => `${reason} ${field}`)).toEqual(hostile.problems);
    expect(frontends.map(describeFrontend)).toEqual(hostile.frontends);
    for (const { field, message } of problems)
      expect(message).toContain(field === "" ? "?" : message.includes("twice") ? "spec.ports" : field);
  });
});

it("a problem's message says what is wrong where", () => {
  const messages = hostileCases.flatMap((hostile) => derived(hostile).problems.map(({ message }) => message));
  expect(messages).toContain("0 in spec.ports[0].port is not a port: 1 to 65535");
  expect(messages).toContain("127.0.0.1 in spec.externalIPs[0] may not be loopback");
  expect(messages).toContain("fd00::1 in EndpointSlice s: endpoints[0].addresses[0] has incorrect IP version");
});
