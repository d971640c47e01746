// The sockets that listen.
#pragma once

#include <vector>

#include "../result.h"
#include "config.h"

namespace fairlead::sys::relay {

/** One for each worker, at one address: the kernel spreads clients over them (SO_REUSEPORT). */
struct Listening {
  std::vector<Descriptor> sockets;
  uint16_t port = 0;
};

/** In the calling thread's namespace. */
Result<Listening> listenAt(Protocol protocol, const SocketAddress& address, uint32_t workers);

}  // namespace fairlead::sys::relay
