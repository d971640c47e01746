import { fakeFastPathBpf } from "../fixtures/fake_fast_path.ts";
import { describeBpf } from "./bpf.ts";

describeBpf("in memory", async () => {
  const links = new Set([2, 3]);
  return Promise.resolve({
    port: fakeFastPathBpf({ hasLink: (index) => links.has(index) }),
    links: [2, 3],
    removeLink: async (index) => Promise.resolve(void links.delete(index)),
    close: () => undefined,
  });
});
