/** net/netfilter/nft_nat.c, nft_masq.c, nft_redir.c, nft_tproxy.c, nft_reject.c, nft_flow_offload.c and their like */
import { checkFlags, checkNamed, errno, found, needed, Refusal, require } from "../refusal.ts";
import type { Checks, Of, RuleContext } from "./context.ts";

const portBytes = 2;

export const nat: Checks<
  "nat" | "masq" | "redir" | "tproxy" | "fwd" | "dup" | "flow_offload" | "queue" | "reject" | "synproxy" | "notrack"
> = {
  nat: checkNat,
  masq: checkPorts,
  redir: checkPorts,
  tproxy(e, { registers }) {
    require(e.regAddr !== undefined || e.regPort !== undefined, errno.EINVAL);
    if (e.regAddr !== undefined) registers.load(e.regAddr, e.family === "ip6" ? 16 : 4);
    if (e.regPort !== undefined) registers.load(e.regPort, portBytes);
  },
  fwd: (e, { registers }) => registers.load(e.sregDev, 4),
  dup(e, { registers }) {
    if (e.sregAddr !== undefined) registers.load(e.sregAddr, 4);
    if (e.sregDev !== undefined) registers.load(e.sregDev, 4);
  },
  flow_offload(e, { table, objects }) {
    objects.push(found(table.flowtables.get(needed(e.table)), `flowtable ${e.table}`));
  },
  queue: (e) => require(e.num !== undefined || e.sregQnum !== undefined, errno.EINVAL),
  reject(e) {
    checkNamed(needed(e.type), errno.EINVAL);
    if (e.type !== "tcpReset") needed(e.icmpCode);
  },
  synproxy: () => undefined,
  notrack: () => undefined,
};

function checkNat(e: Of<"nat">, { registers, table }: RuleContext): void {
  const type = needed(e.type);
  require(e.regAddrMin !== undefined || e.regProtoMin !== undefined, errno.EINVAL);
  checkNamed(type, errno.EOPNOTSUPP);
  const family = needed(e.family);
  require(table.family === "inet" || table.family === family, errno.EOPNOTSUPP);
  if (e.regAddrMin !== undefined) {
    const bytes = addressBytes(family);
    registers.load(e.regAddrMin, bytes);
    if (e.regAddrMax !== undefined) registers.load(e.regAddrMax, bytes);
  }
  checkPorts(e, { registers });
}

function addressBytes(family: string): number {
  if (family === "ip") return 4;
  if (family === "ip6") return 16;
  throw new Refusal(errno.EAFNOSUPPORT);
}

function checkPorts(e: Of<"nat" | "masq" | "redir">, { registers }: Pick<RuleContext, "registers">): void {
  if (e.regProtoMin !== undefined) {
    registers.load(e.regProtoMin, portBytes);
    if (e.regProtoMax !== undefined) registers.load(e.regProtoMax, portBytes);
  }
  checkFlags(e.flags, errno.EINVAL);
}
