/** containerd's events as its own description of them encodes them. */
import protobuf from "protobufjs";
import { describe, expect, it } from "vitest";
import { endedContainer } from "../../../src/kubelet/cri/containerd_events.ts";

/** containerd, api/events/task.proto. */
const { root } = protobuf.parse(`
syntax = "proto3";
message TaskExit { string container_id = 1; string id = 2; uint32 pid = 3; uint32 exit_status = 4; }
message TaskOOM { string container_id = 1; }
`);
const encoded = (type: string, value: object): Buffer => Buffer.from(root.lookupType(type).encode(value).finish());

const [own, other] = ["a".repeat(64), "b".repeat(64)];

describe("an event of containerd", () => {
  it.each([
    ["of a container's own process", "TaskExit", { container_id: own, id: own, pid: 7, exit_status: 137 }, own],
    ["of a process that was started in it", "TaskExit", { container_id: own, id: other, pid: 7 }, undefined],
    ["of memory that is over", "TaskOOM", { container_id: own }, own],
    ["of nothing", "TaskOOM", {}, undefined],
  ])("%s", (_, type, value, id) => {
    const camel = Object.fromEntries(Object.entries(value).map(([key, one]) => [toCamel(key), one]));
    expect(endedContainer(encoded(type, camel))).toBe(id);
  });

  it("that is cut off names nobody", () => {
    expect(endedContainer(undefined)).toBeUndefined();
    expect(endedContainer(Buffer.from([0x0a, 0x80, 0x01]))).toBeUndefined();
  });
});

function toCamel(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
