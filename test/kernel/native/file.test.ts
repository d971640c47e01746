import { readFileSync, writeFileSync, rmSync, mkdtempSync, existsSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { native } from "../../../src/kernel/native.ts";
import { useNamespace } from "../../fixtures/namespace.ts";
import { rejection } from "./wire.ts";

const sysctl = "/proc/sys/net/ipv4/ip_default_ttl";
const namespace = useNamespace({ loopback: false });

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "fairlead-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

describe("a sysctl", () => {
  test("is read and written where the namespace is, and nowhere else", async () => {
    const outside = readFileSync(sysctl, "utf8");
    await native().writeFileInNamespace(namespace(), sysctl, Buffer.from("77"));
    expect((await native().readFileInNamespace(namespace(), sysctl)).toString()).toBe("77\n");
    expect((await native().readFileInNamespace(null, sysctl)).toString()).toBe(outside);
    expect(readFileSync(sysctl, "utf8")).toBe(outside);
  });

  test("refuses a value as the kernel does", async () => {
    const write = native().writeFileInNamespace(namespace(), sysctl, Buffer.from("70000"));
    expect(await rejection(write)).toMatchObject({ code: "EINVAL", syscall: "write", subject: sysctl });
  });
});

describe("readFileInNamespace", () => {
  test("says what is not there", async () => {
    const read = native().readFileInNamespace(namespace(), "/proc/sys/net/none");
    expect(await rejection(read)).toMatchObject({ code: "ENOENT", syscall: "open", subject: "/proc/sys/net/none" });
    expect(await rejection(native().readFileInNamespace("/none", sysctl))).toMatchObject({ subject: "/none" });
  });

  test("reads 64 KiB, and never cuts what is longer", async () => {
    const file = path.join(directory, "file");
    writeFileSync(file, Buffer.alloc(64 * 1024, "a"));
    expect(await native().readFileInNamespace(null, file)).toHaveLength(64 * 1024);
    writeFileSync(file, Buffer.alloc(64 * 1024 + 1, "a"));
    expect(await rejection(native().readFileInNamespace(null, file))).toMatchObject({ code: "EFBIG" });
  });
});

describe("writeFileInNamespace", () => {
  test("creates nothing", async () => {
    const file = path.join(directory, "file");
    expect(await rejection(native().writeFileInNamespace(null, file, Buffer.from("x")))).toMatchObject({
      code: "ENOENT",
    });
    expect(existsSync(file)).toBe(false);
  });

  test("replaces the content, and takes any Uint8Array", async () => {
    const file = path.join(directory, "file");
    writeFileSync(file, "long before");
    await native().writeFileInNamespace(null, file, new Uint8Array([0x78, 0x79, 0x7a]).subarray(1));
    expect(readFileSync(file, "utf8")).toBe("yz");
  });
});
