// Where a datagram was going before conntrack translated it: of UDP, what SO_ORIGINAL_DST is of TCP.
#pragma once

#include "../descriptor.h"
#include "address.h"

namespace fairlead::sys::relay {

/** Asks conntrack, in the namespace of the thread that asks first. Not thread-safe. */
class OriginalDestinations {
 public:
  /**
   * One question to the kernel, which answers at once.
   *
   * @param client who sent it. @param here where it came to, with our port
   * @returns false: conntrack does not know it, so that nobody can have translated it
   */
  bool find(const SocketAddress& client, const SocketAddress& here, SocketAddress& original);

 private:
  Descriptor socket_;
  uint32_t sequence_ = 0;
};

}  // namespace fairlead::sys::relay
