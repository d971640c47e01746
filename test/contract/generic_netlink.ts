/** What every GenericNetlinkPort does, on the family of families, which is always there. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { attr, attributes } from "../../src/kernel/netlink/codec/attributes.ts";
import { cstring, u16, u32 } from "../../src/kernel/netlink/codec/codec.ts";
import type { GenericFamily } from "../../src/kernel/netlink/genetlink.ts";
import type { GenericNetlinkPort } from "../../src/kernel/ports.ts";

export interface GenericNetlinkSubject {
  readonly port: GenericNetlinkPort;
  close(): Promise<void>;
}

/** CTRL_CMD_GETFAMILY and its answer, of the little that these tests ask. */
export const getFamilyCommand = 3;
export const newFamilyCommand = 1;
export const payload = attributes({ id: attr(1, u16), name: attr(2, cstring(15)), maxAttribute: attr(5, u32) });

const call = (name: string) => ({ command: getFamilyCommand, payload, body: { name } });

export function describeGenericNetlink(name: string, open: () => Promise<GenericNetlinkSubject>): void {
  describe(`generic netlink port: ${name}`, () => {
    let subject: GenericNetlinkSubject;
    let port: GenericNetlinkPort;
    let control: GenericFamily;
    beforeEach(async () => {
      subject = await open();
      port = subject.port;
      control = (await port.family("nlctrl"))!;
    });
    afterEach(() => subject.close());

    it("finds a family by name, with its operations and groups", () => {
      expect(control).toMatchObject({ name: "nlctrl", id: 16, version: 2, headerBytes: 0 });
      expect(control.operations).toContainEqual({ id: 3, flags: expect.arrayContaining(["do", "dump"]) as string[] });
      expect(control.multicastGroups).toEqual({ notify: 16 });
    });

    it("finds no family where there is none", async () => {
      expect(await port.family("fairlead-none")).toBeUndefined();
    });

    it("refuses a name that no family can have before anything is sent", async () => {
      await expect(port.family("a-name-that-is-too-long")).rejects.toMatchObject({ code: "NETLINK_ENCODE" });
    });

    it("answers a call with what the family's codec reads", async () => {
      const answers = await port.request(control, call("nlctrl"), "ask for nlctrl");
      expect(answers).toMatchObject([{ genl: { version: 2 }, id: 16, name: "nlctrl" }]);
    });

    it("dumps", async () => {
      const families = await port.dump(control, { ...call(""), body: {} }, "list families");
      expect(families).toContainEqual(expect.objectContaining({ id: 16, name: "nlctrl" }));
    });

    it("says what was refused, and why", async () => {
      const asked = port.request(control, call("fairlead-none"), "ask for fairlead-none");
      await expect(asked).rejects.toMatchObject({
        code: "NETLINK_REFUSED",
        subject: "ask for fairlead-none",
        errno: 2,
      });
      const unknown = port.request(control, { ...call("nlctrl"), command: 99 }, "do 99");
      await expect(unknown).rejects.toMatchObject({ code: "NETLINK_REFUSED", errno: 95 });
    });

    it("carries calls out one by one, each with its outcome", async () => {
      const calls = ["nlctrl", "fairlead-none", "nlctrl"].map(call);
      const outcomes = await port.apply(control, calls, (index) => `ask ${index}`);
      expect(outcomes.map((error) => error && [error.subject, error.errno])).toEqual([null, ["ask 1", 2], null]);
    });

    it("is refused once it is closed, and closes twice", async () => {
      port.close();
      port.close();
      await expect(port.family("nlctrl")).rejects.toMatchObject({ code: "NATIVE_CALL" });
    });
  });
}
