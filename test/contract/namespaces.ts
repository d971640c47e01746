/** What every NamespacePort does. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NamespacePort } from "../../src/kernel/ports.ts";
import { uniqueName } from "../fixtures/namespace.ts";

export interface NamespaceSubject {
  readonly port: NamespacePort;
  /** A process, with the inode of the namespace that it is in. */
  readonly process: { readonly pid: number; readonly inode: bigint };
}

export function describeNamespaces(title: string, open: () => NamespaceSubject): void {
  describe(`namespace port: ${title}`, () => {
    let subject: NamespaceSubject;
    let port: NamespacePort;
    let name: string;
    beforeEach(() => {
      subject = open();
      port = subject.port;
      name = uniqueName();
    });
    afterEach(async () => {
      if ((await port.list()).includes(name)) await port.delete(name);
    });

    it("makes a namespace that is listed and opened by its name", async () => {
      expect(await port.list()).not.toContain(name);
      const made = await port.create(name);
      expect(await port.list()).toContain(name);
      const opened = await port.open({ name });
      expect(opened.inode).toBe(made.inode);
      made.close();
      opened.close();
      opened.close();
    });

    it("makes another each time", async () => {
      const other = uniqueName();
      const [a, b] = [await port.create(name), await port.create(other)];
      expect(a.inode).not.toBe(b.inode);
      a.close();
      b.close();
      await port.delete(other);
    });

    it("keeps an open namespace whose name is gone", async () => {
      const made = await port.create(name);
      await port.delete(name);
      expect(await port.list()).not.toContain(name);
      expect(made.path).toBe(`/proc/self/fd/${made.fd}`);
      const again = await port.open({ path: made.path });
      expect(again.inode).toBe(made.inode);
      again.close();
      made.close();
    });

    it("opens the namespace of a process", async () => {
      const { pid, inode } = subject.process;
      const opened = await port.open({ pid });
      expect(opened.inode).toBe(inode);
      opened.close();
    });

    it("refuses a name in use, and names that are not there", async () => {
      (await port.create(name)).close();
      await expect(port.create(name)).rejects.toMatchObject({ code: "NATIVE_CALL", errno: 17 });
      const none = uniqueName();
      await expect(port.open({ name: none })).rejects.toMatchObject({ code: "NATIVE_CALL", errno: 2 });
      await expect(port.delete(none)).rejects.toMatchObject({ code: "NATIVE_CALL", errno: 2 });
    });

    it.each(["", ".", "..", "a/b", "../a", "a\0b"])("refuses %j, which is no name", async (bad) => {
      await expect(port.create(bad)).rejects.toMatchObject({ code: "KERNEL_ARGUMENT" });
      await expect(port.open({ name: bad })).rejects.toMatchObject({ code: "KERNEL_ARGUMENT" });
      await expect(port.delete(bad)).rejects.toMatchObject({ code: "KERNEL_ARGUMENT" });
    });
  });
}
