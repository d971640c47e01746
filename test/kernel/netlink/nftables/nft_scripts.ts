/** Rulesets in nft's words, one for each corner of what it can say; the table is `ip original`. */
const inTable = (body: string): string => `table ip original {\n${body}\n}\n`;

export const nftScripts: Readonly<Record<string, string>> = {
  "a table with objects": inTable(`
    comment "all about it"
    counter c { packets 3 bytes 400; comment "counts" }
    quota q { over 500 mbytes }
    limit l { rate 10/second burst 7 packets }
    chain a {
      counter name "c" limit name "l" quota name "q" accept
    }`),
  "sets of every kind": inTable(`
    set intervals {
      type ipv4_addr
      flags interval
      comment "networks"
      elements = { 10.0.0.0/8, 192.168.0.0/16 comment "home" }
    }
    set ranges {
      type ipv4_addr . inet_service
      flags interval, timeout
      timeout 1h
      elements = { 10.0.0.0/8 . 80-90 timeout 30m }
    }
    set seen {
      type ipv4_addr
      size 100
      flags dynamic, timeout
      timeout 10m
      gc-interval 5s
      counter
      elements = { 1.2.3.4 }
    }
    set marks {
      typeof meta mark
      elements = { 0x10, 0x20 }
    }
    set names {
      type ifname
      elements = { "lo", "eth0" }
    }`),
  "maps of every kind": inTable(`
    counter c { packets 0 bytes 0; }
    chain a {
    }
    map verdicts {
      type ipv4_addr . inet_proto . inet_service : verdict
      elements = { 10.96.0.1 . tcp . 80 : goto a, 10.96.0.2 . udp . 53 : drop }
    }
    map data {
      typeof ip daddr . numgen random mod 2 : ip daddr . tcp dport
      elements = { 10.96.0.1 . 0 : 10.1.0.1 . 8080 }
    }
    map objects {
      type ipv4_addr : counter
      elements = { 1.1.1.1 : "c" }
    }
    map intervals {
      type inet_service : verdict
      flags interval
      elements = { 1-10 : accept, 20 : drop, * : continue }
    }`),
  "rules that match": inTable(`
    chain a {
      type filter hook forward priority 0; policy drop;
      ct state established,related counter accept comment "known"
      ct direction original ct original ip saddr 1.1.1.1 accept
      ct status dnat accept
      ip saddr 10.0.0.0/8 tcp dport { 80, 443 } accept
      ip saddr != 10.1.2.3 udp sport 1024-65535 drop
      tcp flags & (syn | ack) == syn drop
      meta iifname "eth*" meta l4proto { tcp, udp } th dport vmap { 1 : accept, 2-5 : drop }
      meta mark and 0xff00 == 0x4000 return
      fib saddr . iif oif missing drop
      jhash ip saddr mod 3 seed 0xabc 1 accept
      numgen inc mod 10 < 3 accept
      ct count over 5 reject with icmp type host-unreachable
      limit rate over 5 mbytes/minute burst 10 kbytes log prefix "fast " level info drop
      log group 3 snaplen 64 queue-threshold 2
      ip dscp cs1 ip ttl 64 ip frag-off & 0x1fff != 0 drop
      icmp type echo-request accept
    }
    chain local {
      type filter hook input priority 0;
      socket transparent 1 accept
      meta skuid 0 accept
      ip daddr . tcp dport { 1.1.1.1 . 80, 1.1.1.2 . 81 } accept
      ip saddr { 10.0.0.0/8, 192.168.0.0/16 } ip daddr 127.0.0.0/8 drop
    }`),
  "rules that act": inTable(`
    set clients {
      type ipv4_addr
      flags dynamic, timeout
      size 9
    }
    chain helper {
      return
    }
    chain pre {
      type nat hook prerouting priority dstnat;
      ip daddr 1.1.1.1 tcp dport 80 dnat to 10.0.0.1-10.0.0.9:8080 random,persistent
      tcp dport 81 redirect to :8081
      meta l4proto tcp dnat to ip daddr . tcp dport map { 1.1.1.2 . 80 : 10.0.0.2 . 8080 }
      jump helper
      goto helper
    }
    chain post {
      type nat hook postrouting priority srcnat;
      meta mark & 0x4000 == 0x4000 masquerade fully-random
      ip saddr 10.0.0.0/8 meta l4proto tcp snat to 1.1.1.1-1.1.1.5:100-200
      ip saddr 10.0.0.0/8 snat prefix to 192.168.0.0/16
    }
    chain mangle {
      type filter hook forward priority mangle;
      tcp flags syn tcp option maxseg size set rt mtu
      meta mark set meta mark | 0x10
      ct mark set meta mark
      meta priority set 1:2
      ip dscp set cs2
      update @clients { ip saddr timeout 5s limit rate 10/second }
      delete @clients { ip daddr }
    }
    chain raw {
      type filter hook prerouting priority raw;
      notrack
    }`),
};
