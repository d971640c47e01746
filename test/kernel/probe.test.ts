import { expect, it } from "vitest";
import { features, probe, type FeatureName } from "../../src/kernel/real/probe.ts";
import { needs } from "../fixtures/needs.ts";

it.each(Object.keys(features) as FeatureName[])("%s is found, or its absence is explained", async (name) => {
  const found = await probe(name);
  if (found.state === "absent") expect(found.reason).toMatch(/^cannot .*: E[A-Z]+|no generic netlink family/);
});

it.each(Object.keys(features) as FeatureName[])(
  "a test that needs %s runs, or skips for a good reason",
  async (name) => {
    let reason: string | undefined;
    const skip = ((note?: string) => void (reason = note)) as never;
    await needs({ skip }, name);
    expect(reason === undefined).toBe((await probe(name)).state === "present");
  },
);
