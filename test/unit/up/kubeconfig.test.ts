/** Our entry in somebody's kubeconfig: nothing of theirs is lost. */
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { currentContext, mergeEntry, removeEntry } from "../../../src/up/kubeconfig/merge.ts";

const entry = {
  name: "fairlead",
  server: "https://127.0.0.1:6443",
  authority: "QQ==",
  certificate: "Qg==",
  key: "Qw==",
};
const theirs = `apiVersion: v1
kind: Config
# which one am I?
current-context: work
contexts:
  - name: work
    context: { cluster: work, user: me, namespace: mine }
clusters: []
users: null
preferences: { colors: true }
`;

function servers(text: string): string[] {
  const { clusters } = parse(text) as { clusters: { cluster: { server: string } }[] };
  return clusters.map(({ cluster }) => cluster.server);
}

describe("a kubeconfig", () => {
  it("that is not there yet holds our context alone, and goes with it", () => {
    const merged = mergeEntry("", entry);
    expect(currentContext(merged)).toBe("fairlead");
    expect(servers(merged)).toEqual([entry.server]);
    expect(removeEntry(merged, "fairlead")).toBeUndefined();
  });

  it("of somebody keeps what is theirs, and gets its current context back", () => {
    const merged = mergeEntry(theirs, entry);
    expect(merged).toContain("# which one am I?");
    expect(merged).toContain("namespace: mine");
    expect(merged).toContain("colors: true");
    const left = removeEntry(merged, "fairlead", "work")!;
    expect(currentContext(left)).toBe("work");
    expect(left).not.toContain("fairlead");
    expect(left).toContain("namespace: mine");
  });

  it("has our entry once, whatever it was before", () => {
    const again = mergeEntry(mergeEntry(theirs, entry), { ...entry, server: "https://127.0.0.1:7443" });
    expect(again.match(/name: fairlead/g)).toHaveLength(3);
    expect(servers(again)).toEqual(["https://127.0.0.1:7443"]);
    expect(mergeEntry(again, { ...entry, server: "https://127.0.0.1:7443" })).toBe(again);
  });

  it("leaves another current context as it is when ours goes", () => {
    const chosen = mergeEntry(theirs, entry).replace("current-context: fairlead", "current-context: work");
    expect(currentContext(removeEntry(chosen, "fairlead", "other")!)).toBe("work");
  });

  it.each(["- a list", "kind: Pod", "clusters: 3", "a: b: c", "clusters: {}"])(
    "is refused where it is none: %s",
    (text) => {
      expect(() => mergeEntry(text, entry)).toThrow();
    },
  );
});
