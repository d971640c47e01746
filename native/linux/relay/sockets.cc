#include "sockets.h"

#include <linux/sock_diag.h>
#include <netinet/tcp.h>

#include <array>

namespace fairlead::sys::relay {

namespace {

constexpr int kBacklog = 4096;
constexpr int kReceiveBytes = 2 << 20;

bool turnOn(const Descriptor& socket, int level, int option) {
  const int on = 1;
  return ::setsockopt(socket.get(), level, option, &on, sizeof(on)) == 0;
}

/** What connections of TCP inherit is set here, once; of UDP, where datagrams came to. */
bool configure(const Descriptor& socket, Protocol protocol, bool is_v4) {
  // Else it would have IPv4's ports too.
  if (!is_v4 && !turnOn(socket, IPPROTO_IPV6, IPV6_V6ONLY)) return false;
  if (protocol == Protocol::kTcp) return turnOn(socket, IPPROTO_TCP, TCP_NODELAY);
  enlargeBuffer(socket);
  return is_v4 ? turnOn(socket, IPPROTO_IP, IP_PKTINFO) : turnOn(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO);
}

Result<Descriptor> listenOne(Protocol protocol, const SocketAddress& address) {
  const int type = protocol == Protocol::kTcp ? SOCK_STREAM : SOCK_DGRAM;
  Descriptor made(::socket(address.generic.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!made.isOpen()) return SysError::last("socket");
  if (!configure(made, protocol, address.isV4())) return SysError::last("setsockopt");
  // A port that the kernel chooses is nobody's else: to a socket of SO_REUSEPORT it gives another's of the
  // same user, too (net/ipv4/udp.c, udp_lib_lport_inuse), and clients of one Service would come to another.
  const bool chosen = address.port() == 0;
  if (!chosen && !turnOn(made, SOL_SOCKET, SO_REUSEPORT)) return SysError::last("setsockopt");
  if (::bind(made.get(), &address.generic, address.length()) != 0) return SysError::last("bind");
  if (chosen && !turnOn(made, SOL_SOCKET, SO_REUSEPORT)) return SysError::last("setsockopt");
  if (protocol == Protocol::kTcp && ::listen(made.get(), kBacklog) != 0) return SysError::last("listen");
  return made;
}

Result<uint16_t> portOf(const Descriptor& socket) {
  SocketAddress bound;
  socklen_t size = sizeof(bound);
  if (::getsockname(socket.get(), &bound.generic, &size) != 0) return SysError::last("getsockname");
  return bound.port();
}

}  // namespace

void enlargeBuffer(const Descriptor& socket) {
  const int bytes = kReceiveBytes;
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) == 0) return;
  // Without CAP_NET_ADMIN as much as net.core.rmem_max lets: there is no socket that takes none.
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

uint32_t dropsOf(const Descriptor& socket) {
  std::array<uint32_t, SK_MEMINFO_VARS> info = {};
  socklen_t size = sizeof(info);
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_MEMINFO, &info, &size) == 0 ? info[SK_MEMINFO_DROPS] : 0;
}

Result<Listening> listenAt(Protocol protocol, const SocketAddress& address, uint32_t workers) {
  Listening listening;
  auto at = address;
  for (uint32_t made = 0; made < workers; made++) {
    auto socket = listenOne(protocol, at);
    if (!socket.ok()) return std::move(socket.error());
    if (made == 0) {
      auto port = portOf(socket.value());
      if (!port.ok()) return std::move(port.error());
      listening.port = port.value();
      at = SocketAddress::of(address.ip(), port.value());
    }
    listening.sockets.push_back(std::move(socket.value()));
  }
  return listening;
}

}  // namespace fairlead::sys::relay
