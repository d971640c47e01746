#include "tcp_listener.h"

#include <linux/netfilter_ipv4.h>
#include <sys/socket.h>

#include <cerrno>

#include "worker.h"

namespace fairlead::sys::relay {

namespace {

/** Connections taken before others have their turn. */
constexpr int kMostAccepted = 32;
/** IP6T_SO_ORIGINAL_DST (linux/netfilter_ipv6/ip6_tables.h, which does not go with netinet/in.h). */
constexpr int kOriginalDestinationV6 = 80;

bool isShortage(int code) {
  return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

}  // namespace

void TcpListener::onReady(uint32_t) {
  for (int taken = 0; taken < kMostAccepted && socket_.isOpen(); taken++) {
    SocketAddress peer;
    socklen_t size = sizeof(peer);
    Descriptor client(::accept4(socket_.get(), &peer.generic, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!client.isOpen()) {
      if (isShortage(errno)) worker_.pause(*this);
      // Others tell of one connection that ended before it was taken (accept(2), "Error handling").
      if (errno == EAGAIN || isShortage(errno)) return;
      continue;
    }
    auto frontend = frontend_ ? frontend_ : frontendOf(client, peer.isV4());
    if (frontend) {
      worker_.accepted(std::move(frontend), std::move(client), peer);
    } else {
      worker_.shared().strangers.fetch_add(1, std::memory_order_relaxed);
      resetAtClose(client);
    }
  }
}

SharedFrontend TcpListener::frontendOf(const Descriptor& client, bool is_v4) const {
  SocketAddress original;
  socklen_t size = sizeof(original);
  const int level = is_v4 ? SOL_IP : SOL_IPV6;
  const int option = is_v4 ? SO_ORIGINAL_DST : kOriginalDestinationV6;
  if (::getsockopt(client.get(), level, option, &original, &size) != 0) return nullptr;
  return worker_.shared().table.find(scope_, original);
}

}  // namespace fairlead::sys::relay
