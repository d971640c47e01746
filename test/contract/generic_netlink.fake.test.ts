import { FakeGenericNetlink, type FakeCommand } from "../../src/kernel/fake/generic_netlink.ts";
import { describeGenericNetlink, getFamilyCommand } from "./generic_netlink.ts";

const family = {
  name: "nlctrl",
  id: 16,
  version: 2,
  headerBytes: 0,
  maxAttribute: 10,
  operations: [{ id: getFamilyCommand, flags: ["do", "dump", "hasPolicy"] }],
  multicastGroups: { notify: 16 },
} as const;

const getFamily: FakeCommand = (body) => {
  const { name } = body as { name?: string };
  if (name !== undefined && name !== family.name) return { errno: 2 };
  return [{ id: family.id, name: family.name, maxAttribute: family.maxAttribute }];
};

describeGenericNetlink("fake", () => {
  const port = new FakeGenericNetlink([{ family, commands: { [getFamilyCommand]: getFamily } }]);
  return Promise.resolve({ port, close: () => Promise.resolve(port.close()) });
});
