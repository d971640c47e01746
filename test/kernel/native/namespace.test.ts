import { readlinkSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { native } from "../../../src/kernel/native.ts";
import { withNamespace } from "../../fixtures/namespace.ts";
import { rejection } from "./wire.ts";

/** The number in "net:[4026531840]". */
const inodeOf = (link: string): bigint => BigInt(/\[(\d+)\]/.exec(readlinkSync(link))![1]!);

describe("openNamespace", () => {
  test.each([
    ["this process's own", null],
    ["by path", "/proc/self/ns/net"],
    ["by pid", { pid: process.pid }],
  ])("opens %s", async (_, ref) => {
    const namespace = await native().openNamespace(ref);
    try {
      expect(namespace.inode).toBe(inodeOf("/proc/self/ns/net"));
      expect(inodeOf(`/proc/self/fd/${namespace.fd}`)).toBe(namespace.inode);
    } finally {
      namespace.close();
    }
  });

  test("says what is not there", async () => {
    expect(await rejection(native().openNamespace("/run/netns/there is none"))).toMatchObject({
      name: "Error",
      code: "ENOENT",
      errno: 2,
      syscall: "open",
      subject: "/run/netns/there is none",
      message: "open /run/netns/there is none: No such file or directory (ENOENT)",
    });
    expect(await rejection(native().openNamespace({ pid: 0x3fffffff }))).toMatchObject({ code: "ENOENT" });
  });

  test.each(["/etc/passwd", "/proc/self/ns/mnt", "/run"])("refuses %s, which is no network namespace", async (path) => {
    expect(await rejection(native().openNamespace(path))).toMatchObject({ code: "EINVAL", subject: path });
  });
});

describe("createNamespace", () => {
  test("makes one that is nobody else's, with loopback down", async () => {
    await withNamespace(
      async (namespace) => {
        expect(namespace.inode).not.toBe(inodeOf("/proc/self/ns/net"));
        expect(readlinkSync(`/proc/self/fd/${namespace.fd}`)).toBe(`net:[${namespace.inode}]`);
        const links = await native().runInNamespace(namespace, {
          argv: ["ip", "-br", "link"],
          timeoutMs: 10_000,
          maxOutputBytes: 4096,
        });
        expect(links.stdout.toString()).toMatch(/^lo\s+DOWN/);
      },
      { loopback: false },
    );
  });

  test("leaves this thread where it was, and the next call too", async () => {
    const own = inodeOf("/proc/thread-self/ns/net");
    await withNamespace(async () => undefined, { loopback: false });
    const again = await native().openNamespace(null);
    try {
      expect(inodeOf("/proc/thread-self/ns/net")).toBe(own);
      expect(again.inode).toBe(own);
    } finally {
      again.close();
    }
  });
});

describe("a namespace handle", () => {
  test("closes once, however often it is told to, and shows it", async () => {
    const before = native().openHandles().namespaces;
    const namespace = await native().createNamespace();
    const { fd, inode } = namespace;
    expect(native().openHandles().namespaces).toBe(before + 1);
    namespace.close();
    namespace.close();
    expect(namespace.fd).toBe(-1);
    expect(namespace.inode).toBe(inode);
    expect(native().openHandles().namespaces).toBe(before);
    expect(() => readlinkSync(`/proc/self/fd/${fd}`)).toThrow("ENOENT");
  });

  test("is refused once it is closed", async () => {
    const namespace = await native().createNamespace();
    namespace.close();
    expect(await rejection(native().readFileInNamespace(namespace, "/proc/sys/net/ipv4/ip_forward"))).toMatchObject({
      code: "EBADF",
      syscall: "setns",
    });
  });

  test("may be closed while work in it is under way", async () => {
    const namespace = await native().createNamespace();
    const work = Array.from({ length: 50 }, () =>
      native().readFileInNamespace(namespace, "/proc/sys/net/ipv4/ip_forward"),
    );
    namespace.close();
    for (const content of await Promise.all(work)) expect(content.toString()).toMatch(/^[01]\n$/);
  });

  test("cannot be made by JavaScript", async () => {
    await withNamespace(
      async (namespace) => {
        const constructor = (namespace as unknown as { constructor: new () => unknown }).constructor;
        expect(() => new constructor()).toThrow("use openNamespace()");
        const close = (namespace as unknown as { close: () => void }).close;
        expect(() => close.call({})).toThrow(TypeError);
      },
      { loopback: false },
    );
  });
});
