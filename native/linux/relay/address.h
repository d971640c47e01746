// An address of a socket, of either family, by value.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>

namespace fairlead::sys::relay {

struct SocketAddress {
  union {
    sockaddr generic;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };

  SocketAddress() : v6{} {}

  /** @param ip 4 or 16 bytes. @param port as people write it */
  static SocketAddress of(std::string_view ip, uint16_t port) {
    SocketAddress made;
    if (ip.size() == sizeof(in_addr)) {
      made.v4.sin_family = AF_INET;
      made.v4.sin_port = htons(port);
      std::memcpy(&made.v4.sin_addr, ip.data(), ip.size());
    } else {
      made.v6.sin6_family = AF_INET6;
      made.v6.sin6_port = htons(port);
      std::memcpy(&made.v6.sin6_addr, ip.data(), sizeof(in6_addr));
    }
    return made;
  }

  bool isV4() const { return generic.sa_family == AF_INET; }
  socklen_t length() const { return isV4() ? sizeof(v4) : sizeof(v6); }
  uint16_t port() const { return ntohs(isV4() ? v4.sin_port : v6.sin6_port); }

  /** Its bytes; valid as long as this is. */
  std::string_view ip() const {
    if (isV4()) return {reinterpret_cast<const char*>(&v4.sin_addr), sizeof(in_addr)};
    return {reinterpret_cast<const char*>(&v6.sin6_addr), sizeof(in6_addr)};
  }

  bool operator==(const SocketAddress& other) const {
    return generic.sa_family == other.generic.sa_family && port() == other.port() && ip() == other.ip();
  }
};

struct SocketAddressHash {
  std::size_t operator()(const SocketAddress& address) const {
    return std::hash<std::string_view>()(address.ip()) * 31 + address.port();
  }
};

}  // namespace fairlead::sys::relay
