import { mkdtempSync, existsSync, readFileSync, rmSync, rmdirSync, statSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { native } from "../../../src/kernel/native.ts";
import { uniqueName } from "../../fixtures/namespace.ts";
import { rejection } from "./wire.ts";

let file: string;

beforeEach(() => {
  file = `/run/netns/${uniqueName()}`;
});

afterEach(async () => {
  if (existsSync(file)) await native().deleteNamedNamespace(file);
});

const mounts = (): string[] => readFileSync("/proc/self/mountinfo", "utf8").split("\n");
const mountsOf = (target: string): string[] => mounts().filter((line) => line.split(" ")[4] === target);

async function create(): Promise<bigint> {
  const namespace = await native().createNamedNamespace(file);
  namespace.close();
  return namespace.inode;
}

describe("createNamedNamespace", () => {
  test("makes what outlives its handle, and opens again by its path", async () => {
    const inode = await create();
    expect(statSync(file, { bigint: true }).ino).toBe(inode);
    const again = await native().openNamespace(file);
    again.close();
    expect(again.inode).toBe(inode);
  });

  test("makes what iproute2 knows", async () => {
    await create();
    const name = path.basename(file);
    expect(execFileSync("ip", ["netns", "list"], { encoding: "utf8" }).split(/\s/)).toContain(name);
    expect(execFileSync("ip", ["-n", name, "-br", "link"], { encoding: "utf8" })).toMatch(/^lo\s+DOWN/);
  });

  test("shares the mounts of its directory, so that a deletion reaches every mount namespace", async () => {
    await create();
    expect(mountsOf("/run/netns")).toHaveLength(1);
    expect(mountsOf("/run/netns")[0]).toContain(" shared:");
  });

  test("mounts the directory once, when many come at the same time", async () => {
    const directory = mkdtempSync(path.join(tmpdir(), "fairlead-"));
    const files = Array.from({ length: 8 }, (_, i) => path.join(directory, `n${i}`));
    try {
      const made = await Promise.all(files.map((each) => native().createNamedNamespace(each)));
      for (const namespace of made) namespace.close();
      expect(new Set(made.map(({ inode }) => inode)).size).toBe(8);
      expect(mountsOf(directory)).toHaveLength(1);
    } finally {
      for (const each of files) await native().deleteNamedNamespace(each);
      execFileSync("umount", [directory]);
      rmdirSync(directory);
    }
  });

  test("refuses a name that is taken, and leaves it as it is", async () => {
    const inode = await create();
    expect(await rejection(native().createNamedNamespace(file))).toMatchObject({
      code: "EEXIST",
      syscall: "open",
      subject: file,
    });
    expect(statSync(file, { bigint: true }).ino).toBe(inode);
    expect(mountsOf(file)).toHaveLength(1);
  });

  test("leaves nothing behind where the directory cannot be made", async () => {
    const before = mounts().length;
    const deep = `/run/netns/${uniqueName()}/deeper/still`;
    expect(await rejection(native().createNamedNamespace(deep))).toMatchObject({ code: "ENOENT", syscall: "mkdir" });
    expect(existsSync(path.dirname(path.dirname(deep)))).toBe(false);
    expect(mounts().length).toBeLessThanOrEqual(before);
  });
});

describe("deleteNamedNamespace", () => {
  test("removes mount and file", async () => {
    await create();
    await native().deleteNamedNamespace(file);
    expect(existsSync(file)).toBe(false);
    expect(mountsOf(file)).toEqual([]);
  });

  test("says that it is not there", async () => {
    expect(await rejection(native().deleteNamedNamespace(file))).toMatchObject({ code: "ENOENT", subject: file });
  });

  test("removes what a creator left that was killed before it mounted", async () => {
    await create();
    execFileSync("umount", [file]);
    await native().deleteNamedNamespace(file);
    expect(existsSync(file)).toBe(false);
  });

  test("removes no file of somebody else's", async () => {
    const directory = mkdtempSync(path.join(tmpdir(), "fairlead-"));
    const other = path.join(directory, "other");
    try {
      for (const content of ["", "precious"]) {
        writeFileSync(other, content);
        expect(await rejection(native().deleteNamedNamespace(other))).toMatchObject({ code: "EINVAL" });
        expect(readFileSync(other, "utf8")).toBe(content);
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
