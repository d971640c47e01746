/** Units of systemd that keep a cluster, a control plane or a node running (systemd.service(5)). Pure. */

export const roles = ["up", "server", "node"] as const;
export type Role = (typeof roles)[number];

/** In every unit of ours, and in no other's. */
export const marker = "# Written by 'fairlead install'; 'fairlead install --uninstall' removes it.";

export interface UnitOptions {
  /** Whole path of what starts Fairlead. */
  readonly launcher: string;
  /** Of the launcher's commands: node's own first. */
  readonly searchPath: string;
  /** Whose kubeconfig gets the context. */
  readonly home: string;
  /** Behind the command. */
  readonly args: readonly string[];
}

interface RoleFacts {
  readonly unit: string;
  readonly description: string;
  readonly command: readonly string[];
  /** It has pods, whose shims are its children and outlive it. */
  readonly hasPods: boolean;
}

const facts: Readonly<Record<Role, RoleFacts>> = {
  up: { unit: "fairlead.service", description: "Fairlead cluster", command: ["up", "--keep-pods"], hasPods: true },
  server: {
    unit: "fairlead-server.service",
    description: "Fairlead control plane",
    command: ["server"],
    hasPods: false,
  },
  node: {
    unit: "fairlead-node.service",
    description: "Fairlead node",
    command: ["node", "join"],
    hasPods: true,
  },
};

export function unitName(role: Role): string {
  return facts[role].unit;
}

export function renderUnit(role: Role, { launcher, searchPath, home, args }: UnitOptions): string {
  const { description, command, hasPods } = facts[role];
  const keeps = role === "node" ? ["--keep-pods"] : [];
  const environment = { FAIRLEAD_SKIP_SETUP: "1", PATH: searchPath, HOME: home };
  return `${marker}
[Unit]
Description=${description}
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
${Object.entries(environment)
  .map(([name, value]) => `Environment=${word(`${name}=${value}`, false)}`)
  .join("\n")}
ExecStart=${[launcher, ...command, ...args, ...keeps].map((text) => word(text)).join(" ")}
Restart=always
RestartSec=1
TimeoutStopSec=60
LimitNOFILE=1048576
TasksMax=infinity
OOMScoreAdjust=-999
${hasPods ? "# Pods run on while it is stopped, or replaced by the next version.\nKillMode=process\nDelegate=yes\n" : ""}
[Install]
WantedBy=multi-user.target
`;
}

/** As systemd.syntax(7) quotes: % begins a specifier everywhere, $ a variable in commands alone. */
function word(text: string, isCommand = true): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n").replaceAll("%", "%%");
  const whole = isCommand ? escaped.replaceAll("$", () => "$$") : escaped;
  return /^[\w@%+=:,./-]+$/.test(whole) ? whole : `"${whole}"`;
}
