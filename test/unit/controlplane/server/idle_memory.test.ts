/** Memory is given back when nothing is asked, and never where that would hold up requests. */
import { expect, it } from "vitest";
import { collectWhenIdle, isWorthwhile } from "../../../../src/controlplane/server/idle_memory.ts";

const MB = 1024 * 1024;
const idle = { share: 0.01, usedBytes: 20 * MB, heldBytes: 60 * MB };

it("collects what an idle server holds and does not use", () => {
  expect(isWorthwhile(idle)).toBe(true);
});

it.each([
  { why: "it is busy", ...idle, share: 0.2 },
  { why: "there is little to gain", ...idle, heldBytes: 25 * MB },
  { why: "it would take long", ...idle, usedBytes: 400 * MB, heldBytes: 600 * MB },
])("collects nothing where $why", (state) => {
  expect(isWorthwhile(state)).toBe(false);
});

it("collects by V8's own means, and nothing once it is stopped", async () => {
  let collected = 0;
  const stop = collectWhenIdle(() => collected++, 1);
  stop();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(collected).toBe(0);
  // Without a collector of the test's: it must be there to be called.
  expect(() => collectWhenIdle()()).not.toThrow();
});
