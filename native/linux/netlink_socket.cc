#include "netlink_socket.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>

namespace fairlead::sys {

namespace {

// A datagram is one skb. Dumps fill at most what the reader offered, capped near 32 KiB (netlink_recvmsg,
// net/netlink/af_netlink.c), but a single answer may be larger; its skb comes from kmalloc, which ends at
// 4 MiB. A buffer of that size loses nothing, needs no second system call to peek, and costs only the pages
// that are ever written.
constexpr std::size_t kLargestDatagramBytes = std::size_t{4} << 20;

uint8_t* receiveBuffer() {
  thread_local std::unique_ptr<uint8_t[]> buffer(new uint8_t[kLargestDatagramBytes]);
  return buffer.get();
}

/** SO_RCVBUFFORCE, SO_SNDBUFFORCE pass net.core.*mem_max; without CAP_NET_ADMIN the plain option must do. */
Status setBuffer(const Descriptor& socket, int force, int plain, uint32_t bytes) {
  const int value = static_cast<int>(std::min<uint32_t>(bytes, INT32_MAX));
  if (::setsockopt(socket.get(), SOL_SOCKET, force, &value, sizeof(value)) == 0) return Done{};
  if (errno != EPERM) return SysError::last("setsockopt", "socket buffer");
  if (::setsockopt(socket.get(), SOL_SOCKET, plain, &value, sizeof(value)) == 0) return Done{};
  return SysError::last("setsockopt", "socket buffer");
}

Status setOption(const Descriptor& socket, int option, int value, std::string_view name) {
  if (::setsockopt(socket.get(), SOL_NETLINK, option, &value, sizeof(value)) == 0) return Done{};
  return SysError::last("setsockopt", name);
}

Status setOptions(const Descriptor& socket, const NetlinkOpenRequest& request) {
  auto set = setBuffer(socket, SO_RCVBUFFORCE, SO_RCVBUF, request.receive_buffer_bytes);
  if (set.ok()) set = setOption(socket, NETLINK_EXT_ACK, 1, "NETLINK_EXT_ACK");
  if (set.ok()) set = setOption(socket, NETLINK_CAP_ACK, 1, "NETLINK_CAP_ACK");
  if (set.ok() && request.strict_checking) {
    set = setOption(socket, NETLINK_GET_STRICT_CHK, 1, "NETLINK_GET_STRICT_CHK");
  }
  return set;
}

Status joinGroups(const Descriptor& socket, const std::vector<uint32_t>& groups) {
  for (const uint32_t group : groups) {
    const std::string subject = "group " + std::to_string(group);
    auto joined = setOption(socket, NETLINK_ADD_MEMBERSHIP, static_cast<int>(group), subject);
    if (!joined.ok()) return joined;
  }
  return Done{};
}

/** Binds to a port id that the kernel chooses, and reads it. */
Result<uint32_t> bindAnywhere(const Descriptor& socket) {
  sockaddr_nl address = {};
  address.nl_family = AF_NETLINK;
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket.get(), generic, length) != 0) return SysError::last("bind");
  if (::getsockname(socket.get(), generic, &length) != 0) return SysError::last("getsockname");
  return address.nl_pid;
}

Result<NetlinkOpened> openHere(const NetlinkOpenRequest& request) {
  const std::string subject = protocolName(request.protocol);
  NetlinkOpened opened;
  opened.fd = Descriptor(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, request.protocol));
  if (!opened.fd.isOpen()) return SysError::last("socket", subject);
  auto set = setOptions(opened.fd, request);
  if (!set.ok()) return std::move(set.error());
  auto bound = bindAnywhere(opened.fd);
  if (!bound.ok()) return SysError::of(bound.error().code, bound.error().call, subject);
  opened.port_id = bound.value();
  auto joined = joinGroups(opened.fd, request.groups);
  if (!joined.ok()) return std::move(joined.error());
  return opened;
}

/** One recvmsg(2): the datagram's whole length, which is past the buffer's when it was cut. */
ssize_t receiveOnce(const Descriptor& socket, sockaddr_nl& sender, int& flags) {
  iovec part = {receiveBuffer(), kLargestDatagramBytes};
  msghdr message = {};
  message.msg_name = &sender;
  message.msg_namelen = sizeof(sender);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ssize_t size = 0;
  do {
    size = ::recvmsg(socket.get(), &message, MSG_DONTWAIT | MSG_TRUNC);
  } while (size < 0 && errno == EINTR);
  flags = message.msg_flags;
  return size;
}

Status growSendBuffer(const Descriptor& socket, std::size_t batch_bytes) {
  int current = 0;
  socklen_t length = sizeof(current);
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &current, &length) != 0) {
    return SysError::last("getsockopt", "SO_SNDBUF");
  }
  // netlink_sendmsg refuses a batch longer than sk_sndbuf - 32 with EMSGSIZE, and accounts nothing else for
  // the way into the kernel. setsockopt doubles what it is given, which leaves the room for overhead.
  constexpr std::size_t kSendOverheadBytes = 4096;
  const std::size_t needed = batch_bytes + kSendOverheadBytes;
  if (static_cast<std::size_t>(std::max(current, 0)) >= needed) return Done{};
  return setBuffer(socket, SO_SNDBUFFORCE, SO_SNDBUF,
                   static_cast<uint32_t>(std::min<std::size_t>(needed, INT32_MAX)));
}

}  // namespace

Result<NetlinkOpened> openNetlink(const NetlinkOpenRequest& request) {
  return inNamespace<NetlinkOpened>(request.target, [&] { return openHere(request); });
}

Result<Received> receive(const Descriptor& socket) {
  for (;;) {
    sockaddr_nl sender = {};
    int flags = 0;
    const ssize_t size = receiveOnce(socket, sender, flags);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Received{};
    if (size < 0) return SysError::last("recvmsg");
    // Any process with the right may send to our port; only the kernel (port 0) answers requests.
    if (sender.nl_pid != 0) continue;
    if ((flags & MSG_TRUNC) != 0) return SysError::of(EMSGSIZE, "recvmsg");
    return Received{receiveBuffer(), static_cast<std::size_t>(size)};
  }
}

Result<std::size_t> nextSize(const Descriptor& socket) {
  ssize_t size = 0;
  do {
    size = ::recv(socket.get(), nullptr, 0, MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC);
  } while (size < 0 && errno == EINTR);
  if (size >= 0) return static_cast<std::size_t>(size);
  if (errno == EAGAIN || errno == EWOULDBLOCK) return std::size_t{0};
  return SysError::last("recvmsg");
}

Status sendBatch(const Descriptor& socket, const uint8_t* bytes, std::size_t size) {
  auto grown = growSendBuffer(socket, size);
  if (!grown.ok()) return grown;
  sockaddr_nl kernel = {};
  kernel.nl_family = AF_NETLINK;
  iovec part = {const_cast<uint8_t*>(bytes), size};
  msghdr message = {};
  message.msg_name = &kernel;
  message.msg_namelen = sizeof(kernel);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(socket.get(), &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return SysError::last("sendmsg");
  // A datagram goes whole or not at all.
  if (static_cast<std::size_t>(sent) != size) return SysError::of(EMSGSIZE, "sendmsg");
  return Done{};
}

std::string protocolName(int protocol) {
  return "netlink protocol " + std::to_string(protocol);
}

}  // namespace fairlead::sys
