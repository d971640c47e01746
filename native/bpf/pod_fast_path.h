/* What the pod fast path shares with the agent: src/network/fast_path/layout.ts has the same. */
#pragma once

#define POD_FAST_PATH_LINKS 4096

/** Nothing of this link is taken from the stack: neither what comes from it nor what goes to it. */
#define POD_LINK_OFF 1
/** A veth whose other end is in a pod, without a queue of its own on this end. */
#define POD_LINK_PEER 2
/** A VXLAN device: what comes from it has its source elsewhere. */
#define POD_LINK_TUNNEL 4

/** A value of fl_pod_links; the key is the index of the link on the node. */
struct pod_link {
  __u32 flags;
  /** The addresses from which the pod may send; a further one of a family goes by the stack. 0: none. */
  __be32 ip4;
  __be32 ip6[4];
  __u16 mac[3];
  __u16 padding;
};

#define POD_FAST_PATH_COUNTERS 1
/** Index in fl_pod_counts. */
#define POD_FAST_PATH_FORWARDED 0
