import { unschedulable, type Plugin } from "../framework/plugin.ts";
import { conflicts } from "../../../model/host_ports.ts";

const taken = unschedulable("node(s) didn't have free ports for the requested pod ports");

export const nodePorts: Plugin = {
  name: "NodePorts",
  filter({ ports }) {
    if (ports.length === 0) return undefined;
    return { check: (node) => (node.isPortTaken(ports) ? taken : undefined) };
  },
  helps(event, { ports }) {
    if (event.type === "NodeAdd") return true;
    if (event.type !== "PodDelete") return false;
    return event.pod.ports.some((freed) => ports.some((port) => conflicts(port, freed)));
  },
};
