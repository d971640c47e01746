/** Families as this kernel lists them, judged by genl(8). */
import { afterEach, beforeEach, expect, it } from "vitest";
import { listFamilies, readFamily } from "../../../src/kernel/netlink/genetlink.ts";
import { openGenericNetlink } from "../../../src/kernel/real/generic_netlink.ts";
import { NetlinkClient, netlinkProtocol } from "../../../src/kernel/real/netlink_client.ts";
import { run, useNamespace } from "../../fixtures/namespace.ts";

const namespace = useNamespace();
let client: NetlinkClient;
beforeEach(async () => {
  client = await NetlinkClient.open({ protocol: netlinkProtocol.generic, namespace: namespace() });
});
afterEach(() => client.close());

it("lists the families that genl(8) lists, with their numbers, operations and groups", async () => {
  const families = (await client.dump(listFamilies(), "list families")).map(readFamily);
  const ours = families.map(({ name, id, version, headerBytes, maxAttribute, operations, multicastGroups }) => ({
    name,
    header: [id, version, headerBytes, maxAttribute],
    operations: operations.map((operation) => operation.id),
    groups: multicastGroups,
  }));
  const theirs = parse(await run(namespace(), ["genl", "ctrl", "list"]));
  expect(ours.length).toBeGreaterThan(2);
  expect(ours).toEqual(theirs);
});

it("finds each of them by its name", async () => {
  const families = (await client.dump(listFamilies(), "list families")).map(readFamily);
  const port = await openGenericNetlink({ namespace: namespace() });
  try {
    for (const family of families) expect(await port.family(family.name)).toEqual(family);
  } finally {
    port.close();
  }
});

interface Listed {
  readonly name: string;
  readonly header: readonly number[];
  readonly operations: number[];
  readonly groups: Record<string, number>;
}

/** What genl(8) prints of each family: a name, a header, operations as "#1:  ID-0x3", groups as "ID-0x5  name: x". */
function parse(output: string): Listed[] {
  return output
    .split(/^Name: /m)
    .slice(1)
    .map((block) => {
      const header = /ID: (\S+)\s+Version: (\S+)\s+header size: (\d+)\s+max attribs: (\d+)/.exec(block)!;
      const [operations = "", groups = ""] = block.split("multicast groups:");
      return {
        name: block.split("\n")[0]!.trim(),
        header: header.slice(1).map(Number),
        operations: [...operations.matchAll(/ID-(0x[0-9a-f]+)/g)].map((match) => Number(match[1])),
        groups: Object.fromEntries(
          [...groups.matchAll(/ID-(0x[0-9a-f]+)\s+name: (\S+)/g)].map((match) => [match[2]!, Number(match[1])]),
        ),
      };
    });
}
