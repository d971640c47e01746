// Reading what the add-on must know of netlink messages, and no more: where an answer ends.
// Pure, and safe for any bytes: this is the fuzz target.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fairlead::sys {

/** Smallest netlink message: its header (struct nlmsghdr, include/uapi/linux/netlink.h). */
constexpr std::size_t kNetlinkHeaderBytes = 16;

struct WireSummary {
  std::size_t messages = 0;
  std::size_t terminators = 0;  // of type NLMSG_ERROR (also an acknowledgement) or NLMSG_DONE
  bool complete = true;         // false: the bytes end within a message, or a length is impossible
};

/** Walks the messages of one datagram, stopping where a header does not fit or its length is impossible. */
WireSummary summarize(const uint8_t* bytes, std::size_t size);

}  // namespace fairlead::sys
