#include "netlink_wire.h"

#include <linux/netlink.h>

#include <algorithm>
#include <cstring>

namespace fairlead::sys {

static_assert(sizeof(nlmsghdr) == kNetlinkHeaderBytes);

WireSummary summarize(const uint8_t* bytes, std::size_t size) {
  WireSummary summary;
  std::size_t at = 0;
  while (size - at >= sizeof(nlmsghdr)) {
    nlmsghdr header;  // copied: the bytes need not be aligned
    std::memcpy(&header, bytes + at, sizeof(header));
    if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > size - at) break;
    summary.messages += 1;
    if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE) summary.terminators += 1;
    // The last message need not be padded, so that its aligned length may reach past the end. In size_t
    // the sum cannot wrap: it is at most `size`, and the padding is 3 bytes at most.
    const std::size_t aligned =
        (std::size_t{header.nlmsg_len} + NLMSG_ALIGNTO - 1) & ~std::size_t{NLMSG_ALIGNTO - 1};
    at += std::min(aligned, size - at);
  }
  summary.complete = at == size;
  return summary;
}

}  // namespace fairlead::sys
