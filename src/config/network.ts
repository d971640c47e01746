/** The configuration of `fairlead network`: the node's part of the pod network. */
import { isIP } from "node:net";
import { z } from "zod";
import { parseIp } from "../model/address.ts";
import { parseCidr } from "../model/cidr.ts";
import { listenAt } from "./values.ts";

/** Linux': IFNAMSIZ is 16, and the longest name made from this one is `<name>-v6.<VNI>`. */
const longestName = 15;
/** RFC 791: what every link carries. */
const leastMtu = 68;
const mostMtu = 65_535;

const cidrs = z
  .array(
    z.string().transform((text, context) => {
      const cidr = parseCidr(text);
      if (!cidr) context.addIssue({ code: "custom", message: `"${text}" is no range (such as 10.244.0.0/16)` });
      return cidr ?? z.NEVER;
    }),
  )
  .default([]);

const addresses = z
  .array(z.string().refine((text) => parseIp(text) !== undefined, "must be an IP address"))
  .max(2, "must be one address, or one of each family")
  .refine((all) => new Set(all.map((text) => isIP(text))).size === all.length, "must be of two families")
  .default([]);

const absolutePath = z.string().startsWith("/", "must be an absolute path");

const overlay = z
  .strictObject({
    /** auto: host-gw to nodes on one link with this one, vxlan to others. */
    mode: z.enum(["auto", "vxlan", "host-gw"]).default("vxlan"),
    vni: z
      .int()
      .min(0, "must be from 0 to 16777215")
      .max(2 ** 24 - 1, "must be from 0 to 16777215")
      .default(1),
    port: z.int().min(1, "must be from 1 to 65535").max(65_535, "must be from 1 to 65535").default(8472),
    /** The VTEPs are `<linkName>.<vni>` and `<linkName>-v6.<vni>`. */
    linkName: z
      .string()
      .regex(/^[A-Za-z0-9_-]+$/, 'must be letters, digits, "_" and "-"')
      .default("fairlead"),
    /** Of the VTEPs: off where what is below spoils checksums; auto: off on kernels that do. */
    checksumOffload: z.enum(["auto", "on", "off"]).default("auto"),
  })
  .refine(({ linkName, vni }) => `${linkName}-v6.${vni}`.length <= longestName, {
    path: ["linkName"],
    error: ({ input }) =>
      `"${(input as { linkName: string }).linkName}-v6.<vni>" must not be over ${longestName} bytes`,
  });

export const networkConfiguration = z.strictObject({
  apiVersion: z.literal("network.config.fairlead.io/v1alpha1"),
  kind: z.literal("NetworkConfiguration"),
  clientConnection: z.strictObject({ kubeconfig: z.string().default("") }).prefault({}),
  /** Default: this machine's name. */
  nodeName: z.string().default(""),
  /** This node's addresses, where the Node object's InternalIPs are not those that other nodes reach. */
  nodeIPs: addresses,
  overlay: overlay.prefault({}),
  /** Where all pods have their addresses; empty: what the Node objects have. */
  clusterCIDRs: cidrs,
  ipMasq: z
    .strictObject({
      enabled: z.boolean().default(true),
      /** Seen by them is a pod's own address. */ nonMasqueradeCIDRs: cidrs,
    })
    .prefault({}),
  /** Of pods' links; 0: what fits. */
  mtu: z
    .int()
    .refine((mtu) => mtu === 0 || (mtu >= leastMtu && mtu <= mostMtu), `must be 0, or from ${leastMtu} to ${mostMtu}`)
    .default(0),
  /** Addresses and ranges of the podCIDRs that no pod gets. */
  reserved: z
    .array(
      z
        .string()
        .refine(
          (text) => parseIp(text) !== undefined || parseCidr(text) !== undefined,
          "must be an address or a range",
        ),
    )
    .default([]),
  cni: z
    .strictObject({
      socket: absolutePath.default("/run/fairlead/cni.sock"),
      confDir: absolutePath.default("/etc/cni/net.d"),
      confName: z
        .string()
        .regex(/^[^/]+\.conflist$/, "must be the name of a file that ends in .conflist")
        .default("10-fairlead.conflist"),
      /** False: somebody else writes the list. */
      writeConflist: z.boolean().default(true),
      networkName: z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, "must be a network's name")
        .default("fairlead"),
      /** How pods are linked. */
      podLinks: z.enum(["routed", "bridge"]).default("routed"),
      /** Plugins that run after ours. */
      chained: z.array(z.record(z.string(), z.unknown())).default([]),
    })
    .prefault({}),
  /** Packets of established connections between pods go past the stack, where the kernel can do it. */
  podFastPath: z.strictObject({ enabled: z.boolean().default(true) }).prefault({}),
  /**
   * Of the CRI's runtime, as KubeletConfiguration has it: whose sandboxes it does not know any more lose their network.
   * Empty: it is not asked.
   */
  containerRuntimeEndpoint: z
    .string()
    .refine((url) => url === "" || url.startsWith("unix:///"), "must be a unix:///absolute/path")
    .default(""),
  stateDir: absolutePath.default("/run/fairlead/network"),
  /** Serves /metrics, /healthz and /readyz. */
  metricsBindAddress: listenAt(10_245).default({ host: "127.0.0.1", port: 10_245 }),
});

/** As read: defaults filled in. */
export type NetworkConfiguration = z.output<typeof networkConfiguration>;
