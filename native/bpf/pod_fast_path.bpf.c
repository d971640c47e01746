/*
 * The pod fast path: at tc ingress of pods' host links and of VXLAN devices. A TCP packet of a connection
 * that conntrack has as established, and does not translate, goes straight to the link that the routing table
 * names. Whatever is in any way special goes to the stack, as if this program were not there: see
 * docs/decisions/063.
 *
 * License: the kernel lets only programs under a GPL-compatible licence call conntrack's functions.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "pod_fast_path.h"

#define AF_INET 2
#define AF_INET6 10

/* include/uapi/linux/netfilter/nf_conntrack_{common,tcp}.h */
#define IPS_ASSURED (1 << 2)
#define IPS_CONFIRMED (1 << 3)
#define IPS_DYING (1 << 9)
/** Addresses or ports of one direction are changed, sequence numbers are, a helper or a queue takes part. */
#define IPS_SPECIAL ((1 << 4) | (1 << 5) | (1 << 6) | (1 << 13))
#define TCP_CONNTRACK_ESTABLISHED 3

/** In jiffies, 5 to 50 minutes: an entry that is about to end is the stack's, which gives it its time anew.
 */
#define LEAST_TIMEOUT 300000

/* What of the kernel's own types is read. Offsets are those of the kernel that runs (CO-RE). */
struct ip_ct_tcp {
  __u8 state;
} __attribute__((preserve_access_index));

union nf_conntrack_proto {
  struct ip_ct_tcp tcp;
} __attribute__((preserve_access_index));

struct nf_conn {
  __u32 timeout;
  unsigned long status;
  union nf_conntrack_proto proto;
} __attribute__((preserve_access_index));

/** Without what later kernels appended: all since 5.19 take these 12 bytes. */
struct bpf_ct_opts___12 {
  __s32 netns_id;
  __s32 error;
  __u8 l4proto;
  __u8 dir;
  __u8 reserved[2];
};

struct bpf_ct_opts;
extern struct nf_conn* bpf_skb_ct_lookup(struct __sk_buff* skb, struct bpf_sock_tuple* tuple,
                                         __u32 tuple_size, struct bpf_ct_opts___12* opts,
                                         __u32 opts_size) __ksym;
extern void bpf_ct_release(struct nf_conn* ct) __ksym;

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __uint(max_entries, POD_FAST_PATH_LINKS);
  __type(key, __u32);
  __type(value, struct pod_link);
} fl_pod_links SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, POD_FAST_PATH_COUNTERS);
  __type(key, __u32);
  __type(value, __u64);
} fl_pod_counts SEC(".maps");

struct ipv4 {
  __u8 version_ihl;
  __u8 tos;
  __be16 tot_len;
  __be16 id;
  __be16 frag_off;
  __u8 ttl;
  __u8 protocol;
  __u16 check;
  __be32 saddr;
  __be32 daddr;
};

struct ipv6 {
  __be32 flow;
  __be16 payload_len;
  __u8 nexthdr;
  __u8 hop_limit;
  __be32 saddr[4];
  __be32 daddr[4];
};

struct tcp {
  __be16 source;
  __be16 dest;
  __be32 seq;
  __be32 ack_seq;
  __u8 offset;
  __u8 flags;
};

#define TCP_FIN_SYN_RST 0x07
#define TCP_ACK 0x10

static __always_inline int to_stack(void) {
  return TC_ACT_UNSPEC;
}

static __always_inline void count(__u32 which) {
  __u64* counter = bpf_map_lookup_elem(&fl_pod_counts, &which);
  if (counter) (*counter)++;
}

static __always_inline int is_plain(const struct tcp* tcp) {
  return (tcp->flags & (TCP_FIN_SYN_RST | TCP_ACK)) == TCP_ACK;
}

/** Whether the kernel has the connection as established, and does nothing to its packets. */
static __always_inline int is_followed(struct __sk_buff* skb, struct bpf_sock_tuple* tuple, __u32 size) {
  struct bpf_ct_opts___12 opts = {};
  opts.netns_id = BPF_F_CURRENT_NETNS;
  opts.l4proto = IPPROTO_TCP;
  struct nf_conn* ct = bpf_skb_ct_lookup(skb, tuple, size, &opts, sizeof(opts));
  if (!ct) return 0;
  unsigned long status = ct->status;
  int left = (int)(ct->timeout - (__u32)bpf_jiffies64());
  int state = ct->proto.tcp.state;
  bpf_ct_release(ct);
  return state == TCP_CONNTRACK_ESTABLISHED && left > LEAST_TIMEOUT &&
         (status & (IPS_ASSURED | IPS_CONFIRMED | IPS_DYING | IPS_SPECIAL)) == (IPS_ASSURED | IPS_CONFIRMED);
}

/** Bytes of the longest packet on the wire: of a GSO packet one segment. */
static __always_inline __u32 longest(struct __sk_buff* skb, __u32 header, __u32 whole) {
  __u32 size = skb->gso_size;
  return size ? header + size : whole;
}

static __always_inline int send_on(struct __sk_buff* skb, struct bpf_fib_lookup* fib) {
  struct pod_link* out = bpf_map_lookup_elem(&fl_pod_links, &fib->ifindex);
  /* Links of others, and what a packet would go back on: the stack's. */
  if (!out || fib->ifindex == skb->ifindex || out->flags & POD_LINK_OFF) return 0;
  struct ethhdr header;
  header.h_proto = skb->protocol;
  __builtin_memcpy(header.h_dest, fib->dmac, ETH_ALEN);
  __builtin_memcpy(header.h_source, fib->smac, ETH_ALEN);
  if (bpf_skb_store_bytes(skb, 0, &header, sizeof(header), 0)) return 0;
  return out->flags & POD_LINK_PEER ? 2 : 1;
}

static __always_inline int redirect(const struct bpf_fib_lookup* fib, int how) {
  count(POD_FAST_PATH_FORWARDED);
  return how == 2 ? bpf_redirect_peer(fib->ifindex, 0) : bpf_redirect(fib->ifindex, 0);
}

static __always_inline int from_pod(const struct pod_link* link) {
  return !(link->flags & POD_LINK_TUNNEL);
}

static __always_inline int same_mac(const struct pod_link* link, const struct ethhdr* eth) {
  const __u16* source = (const __u16*)eth->h_source;
  return source[0] == link->mac[0] && source[1] == link->mac[1] && source[2] == link->mac[2];
}

static __always_inline int forward4(struct __sk_buff* skb, const struct pod_link* link) {
  void* end = (void*)(long)skb->data_end;
  struct ethhdr* eth = (void*)(long)skb->data;
  struct ipv4* ip = (void*)(eth + 1);
  struct tcp* tcp = (void*)(ip + 1);
  if ((void*)(tcp + 1) > end) return to_stack();
  if (ip->version_ihl != 0x45 || ip->protocol != IPPROTO_TCP || ip->frag_off & bpf_htons(0x3fff) ||
      ip->ttl < 2)
    return to_stack();
  if (!is_plain(tcp)) return to_stack();
  if (from_pod(link) && (ip->saddr != link->ip4 || !same_mac(link, eth))) return to_stack();
  struct bpf_sock_tuple tuple = {};
  tuple.ipv4.saddr = ip->saddr;
  tuple.ipv4.daddr = ip->daddr;
  tuple.ipv4.sport = tcp->source;
  tuple.ipv4.dport = tcp->dest;
  __u32 header = sizeof(*ip) + ((tcp->offset >> 4) << 2);
  struct bpf_fib_lookup fib = {};
  fib.family = AF_INET;
  fib.l4_protocol = IPPROTO_TCP;
  fib.ifindex = skb->ifindex;
  fib.tot_len = longest(skb, header, bpf_ntohs(ip->tot_len));
  fib.tos = ip->tos;
  fib.ipv4_src = ip->saddr;
  fib.ipv4_dst = ip->daddr;
  /* ttl, protocol, check: a ttl less by one is a checksum more by 0x0100 (RFC 1141). */
  struct {
    __u8 ttl, protocol;
    __u16 check;
  } changed = {ip->ttl - 1, ip->protocol, 0};
  __u32 check = ip->check + (__u32)bpf_htons(0x0100);
  changed.check = (__u16)(check + (check >= 0xffff));
  if (!is_followed(skb, &tuple, sizeof(tuple.ipv4))) return to_stack();
  if (bpf_fib_lookup(skb, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS) return to_stack();
  int how = send_on(skb, &fib);
  if (!how) return to_stack();
  if (bpf_skb_store_bytes(skb, sizeof(struct ethhdr) + 8, &changed, sizeof(changed), 0)) return TC_ACT_SHOT;
  return redirect(&fib, how);
}

static __always_inline int same_ip6(const __be32* a, const __be32* b) {
  return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3];
}

static __always_inline int forward6(struct __sk_buff* skb, const struct pod_link* link) {
  void* end = (void*)(long)skb->data_end;
  struct ethhdr* eth = (void*)(long)skb->data;
  struct ipv6* ip = (void*)(eth + 1);
  struct tcp* tcp = (void*)(ip + 1);
  if ((void*)(tcp + 1) > end) return to_stack();
  if (ip->nexthdr != IPPROTO_TCP || ip->hop_limit < 2 || !is_plain(tcp)) return to_stack();
  if (from_pod(link) && (!same_ip6(ip->saddr, link->ip6) || !same_mac(link, eth))) return to_stack();
  struct bpf_sock_tuple tuple = {};
  __builtin_memcpy(tuple.ipv6.saddr, ip->saddr, 16);
  __builtin_memcpy(tuple.ipv6.daddr, ip->daddr, 16);
  tuple.ipv6.sport = tcp->source;
  tuple.ipv6.dport = tcp->dest;
  __u32 header = sizeof(*ip) + ((tcp->offset >> 4) << 2);
  struct bpf_fib_lookup fib = {};
  fib.family = AF_INET6;
  fib.l4_protocol = IPPROTO_TCP;
  fib.ifindex = skb->ifindex;
  fib.tot_len = longest(skb, header, sizeof(*ip) + bpf_ntohs(ip->payload_len));
  fib.flowinfo = ip->flow & bpf_htonl(0x0fffffff);
  __builtin_memcpy(fib.ipv6_src, ip->saddr, 16);
  __builtin_memcpy(fib.ipv6_dst, ip->daddr, 16);
  __u8 limit = ip->hop_limit - 1;
  if (!is_followed(skb, &tuple, sizeof(tuple.ipv6))) return to_stack();
  if (bpf_fib_lookup(skb, &fib, sizeof(fib), 0) != BPF_FIB_LKUP_RET_SUCCESS) return to_stack();
  int how = send_on(skb, &fib);
  if (!how) return to_stack();
  if (bpf_skb_store_bytes(skb, sizeof(struct ethhdr) + 7, &limit, 1, BPF_F_RECOMPUTE_CSUM))
    return TC_ACT_SHOT;
  return redirect(&fib, how);
}

SEC("tc")
int fl_pod_fast(struct __sk_buff* skb) {
  __u32 ifindex = skb->ifindex;
  struct pod_link* link = bpf_map_lookup_elem(&fl_pod_links, &ifindex);
  if (!link || link->flags & POD_LINK_OFF) return to_stack();
  if (skb->protocol == bpf_htons(ETH_P_IP)) return forward4(skb, link);
  if (skb->protocol == bpf_htons(ETH_P_IPV6)) return forward6(skb, link);
  return to_stack();
}

char LICENSE[] SEC("license") = "GPL";
