/** Packet paths whose cost is counted. A scenario is data: what sets it up, and what the client connects to. */

export interface Scenario {
  readonly name: string;
  /** A sh script, run as root in the guest (errors end it). It makes both network namespaces and all between them. */
  readonly setup: string;
  /** Names of the network namespaces that connect, and that listen. */
  readonly clientNamespace: string;
  readonly serverNamespace: string;
  /** What the client connects to. */
  readonly target: { readonly address: string; readonly port: number };
  /** What the server listens on, on every address of its namespace. Default: the target's port. */
  readonly listenPort?: number;
}

/** client (10.0.0.2) – router – server (10.0.1.2 to .9), by veth; the router is a namespace as well. */
export const routed = {
  clientNamespace: "client",
  serverNamespace: "server",
  routerNamespace: "router",
  serverAddress: "10.0.1.2",
  setup: `
for name in client router server; do
  ip netns add $name
  ip -n $name link set lo up
done
join() { # NAMESPACE NETWORK: joins it to the router, which is .1 of the network
  ip link add name eth0 netns "$1" type veth peer name "$1" netns router
  ip -n router address add "$2.1/24" dev "$1"
  ip -n router link set "$1" up
  for host in 2 3 4 5 6 7 8 9; do ip -n "$1" address add "$2.$host/24" dev eth0; done
  ip -n "$1" link set eth0 up
  ip -n "$1" route add default via "$2.1"
}
ip netns exec router sysctl -qw net.ipv4.ip_forward=1
join client 10.0.0
join server 10.0.1
`,
} as const;

const { clientNamespace, serverNamespace } = routed;

/** No Service: what every other scenario is compared with. */
export const direct: Scenario = {
  name: "direct",
  setup: routed.setup,
  clientNamespace,
  serverNamespace,
  target: { address: routed.serverAddress, port: 8080 },
};

/** One look-up in a map of a thousand Services, then destination NAT. */
export const nftablesMap: Scenario = {
  name: "nftables dnat through a map",
  setup: `${routed.setup}
{
  echo 'table ip services {'
  echo '  map endpoints { type ipv4_addr . inet_service : ipv4_addr . inet_service; elements = {'
  for i in $(seq 1 999); do echo "10.96.$((1 + i / 250)).$((i % 250)) . 80 : 10.0.1.3 . 8080,"; done
  echo '10.96.0.10 . 80 : ${routed.serverAddress} . 8080 } }'
  echo '  chain prerouting {'
  echo '    type nat hook prerouting priority dstnat'
  echo '    dnat ip to ip daddr . tcp dport map @endpoints'
  echo '  }'
  echo '}'
} | ip netns exec router nft -f -
`,
  clientNamespace,
  serverNamespace,
  target: { address: "10.96.0.10", port: 80 },
  listenPort: 8080,
};

export const scenarios: readonly Scenario[] = [direct, nftablesMap];
