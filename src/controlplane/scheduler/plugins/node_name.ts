import { unresolvable, type Plugin } from "../framework/plugin.ts";

const otherNode = unresolvable("node(s) didn't match the requested node name");

export const nodeName: Plugin = {
  name: "NodeName",
  filter(pod) {
    const wanted = pod.pod.spec.nodeName;
    if (!wanted) return undefined;
    return { check: ({ name }) => (name === wanted ? undefined : otherNode) };
  },
};
