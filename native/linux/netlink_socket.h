// A netlink socket: how it is opened, what one datagram in and out looks like.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "descriptor.h"
#include "namespace.h"
#include "result.h"

namespace fairlead::sys {

struct NetlinkOpenRequest {
  NamespaceTarget target;
  int protocol = 0;
  uint32_t receive_buffer_bytes = 0;
  bool strict_checking = false;
  std::vector<uint32_t> groups;  // multicast groups to join; none for a request socket
};

struct NetlinkOpened {
  Descriptor fd;
  uint32_t port_id = 0;
};

/** The socket stays in the namespace it was opened in, whichever thread uses it later. */
Result<NetlinkOpened> openNetlink(const NetlinkOpenRequest& request);

/** Datagrams back to back in one allocation: thousands of acknowledgements cost no thousand allocations. */
class Datagrams {
 public:
  void add(const uint8_t* bytes, std::size_t size) {
    bytes_.insert(bytes_.end(), bytes, bytes + size);
    ends_.push_back(bytes_.size());
  }
  std::size_t count() const { return ends_.size(); }
  std::size_t totalBytes() const { return bytes_.size(); }
  std::size_t sizeOf(std::size_t index) const { return ends_[index] - startOf(index); }
  const uint8_t* dataOf(std::size_t index) const { return bytes_.data() + startOf(index); }

 private:
  std::size_t startOf(std::size_t index) const { return index == 0 ? 0 : ends_[index - 1]; }

  std::vector<uint8_t> bytes_;
  std::vector<std::size_t> ends_;
};

/** One received datagram, in a buffer that the next receive on this thread overwrites; or nothing (null). */
struct Received {
  const uint8_t* bytes = nullptr;
  std::size_t size = 0;
};

/**
 * Receives the next datagram of the kernel's without waiting; `bytes` is null when there is none.
 * ENOBUFS: an overrun, datagrams were lost. EMSGSIZE: the datagram was larger than any the kernel makes.
 */
Result<Received> receive(const Descriptor& socket);

/** Size of the datagram that the next receive would find, 0 when there is none. The same errors. */
Result<std::size_t> nextSize(const Descriptor& socket);

/** Sends all bytes in one sendmsg(2) to the kernel, raising the send buffer where it is too small. */
Status sendBatch(const Descriptor& socket, const uint8_t* bytes, std::size_t size);

/** "netlink protocol 12": the subject of its errors. */
std::string protocolName(int protocol);

}  // namespace fairlead::sys
