/** A controller that nobody starts is missed nowhere else: its own tests make it themselves. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import type { ControllerRow } from "../../../../src/controlplane/controllers/controller.ts";
import { controllerTable } from "../../../../src/controlplane/controllers/table.ts";

const folder = path.resolve("src/controlplane/controllers");
const isRow = (value: unknown): value is ControllerRow =>
  typeof value === "object" && value !== null && "make" in value && "account" in value && "name" in value;

it("has every controller that is written", async () => {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  const modules = await Promise.all(files.map((name) => import(path.join(folder, name)) as Promise<object>));
  const written = new Set(modules.flatMap((module) => Object.values(module).filter(isRow)));
  expect(written.size).toBeGreaterThan(25);
  expect(new Set(controllerTable)).toEqual(written);
});
