/** Programs that are run off the main thread: their end, what they said, their bound. */
import { expect, it } from "vitest";
import { runProgram } from "../../../src/kernel/real/programs.ts";

it("ends well where the program does", async () => {
  await expect(runProgram(["true"], 10_000)).resolves.toBeUndefined();
});

it("says what a program said that failed, and how it ended", async () => {
  const failing = ["sh", "-c", "echo no such place >&2; exit 3"] as const;
  await expect(runProgram(failing, 10_000)).rejects.toThrow(/ended with status 3: no such place$/);
  await expect(runProgram(["sh", "-c", "kill -9 $$"], 10_000)).rejects.toThrow(/ended with signal 9/);
});

it("ends one that does not end by itself", async () => {
  await expect(runProgram(["sleep", "1000"], 200)).rejects.toMatchObject({ code: "ETIMEDOUT" });
});
