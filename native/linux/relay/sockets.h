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

/**
 * Room for 4 MiB of datagrams that wait, as the kernel counts (it doubles what is asked for, and counts its
 * own overhead): 5,000 small ones, or 1,800 that fill an Ethernet frame. At 1 Gbit/s those are 20 ms, for
 * which a thread hardly waits for a processor; the default (net.core.rmem_default) is a twentieth. Only what
 * waits takes memory, and net.ipv4.udp_mem bounds that of all sockets together.
 */
void enlargeBuffer(const Descriptor& socket);

/** Datagrams for which a socket had no room, or that were broken; from 0 on, and over at 2^32. */
uint32_t dropsOf(const Descriptor& socket);

/** In the calling thread's namespace. */
Result<Listening> listenAt(Protocol protocol, const SocketAddress& address, uint32_t workers);

}  // namespace fairlead::sys::relay
