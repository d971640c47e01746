// A frontend's UDP socket and its clients' flows: each client has a socket of its own towards one endpoint.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "../descriptor.h"
#include "frontend.h"
#include "shared.h"
#include "source.h"
#include "timers.h"

namespace fairlead::sys::relay {

class UdpListener;
class Worker;

/** Room for a batch of datagrams, of a worker, whose flows use it in turn. */
class UdpBuffers {
 public:
  static constexpr unsigned kBatch = 32;

  /** Receives what is there, at most a batch. @returns how many; 0: none, or an error (errno) */
  unsigned receive(int fd);
  std::size_t sizeOf(unsigned index) const { return messages_[index].msg_len; }
  const SocketAddress& peerOf(unsigned index) const { return peers_[index]; }
  /** The address it came to. */
  SocketAddress destinationOf(unsigned index) const;

  /** Sends datagrams first to last (not included) as they came. @returns their bytes that were taken */
  uint64_t sendConnected(int fd, unsigned first, unsigned last);
  /** The same, from an address of ours to a peer. */
  uint64_t sendTo(int fd, unsigned count, const SocketAddress& from, const SocketAddress& to);

 private:
  void allocate();
  uint64_t send(int fd, unsigned first, unsigned last);

  std::vector<uint8_t> bytes_;
  std::vector<mmsghdr> messages_;
  std::vector<iovec> parts_;
  std::vector<SocketAddress> peers_;
  std::vector<uint64_t> controls_;  // aligned as control messages are
};

/** Of one client. */
class Flow final : public TimerEntry, public Source {
 public:
  Flow(UdpListener& listener, const SocketAddress& client, Place place)
      : listener_(listener), client_(client), place_(std::move(place)) {}

  bool open(Worker& worker, const SocketAddress& endpoint);
  void close() {
    leave();
    socket_.reset();
  }
  void onReady(uint32_t events) override;
  void onDue() override;

  const SocketAddress& client() const { return client_; }
  const SocketAddress& endpoint() const { return endpoint_; }
  int fd() const { return socket_.get(); }
  /** A datagram came from the client, to an address of this machine. */
  void used(int64_t now_ms, const SocketAddress& destination) {
    active_ms_ = now_ms;
    reached_ = destination;
  }

 private:
  UdpListener& listener_;
  SocketAddress client_, endpoint_, reached_;
  Place place_;
  Descriptor socket_;
  int64_t active_ms_ = 0;
};

class UdpListener final : public Source {
 public:
  UdpListener(Worker& worker, Descriptor socket, SharedFrontend frontend)
      : worker_(worker), socket_(std::move(socket)), frontend_(std::move(frontend)) {}

  void onReady(uint32_t events) override;
  int fd() const { return socket_.get(); }
  Worker& worker() { return worker_; }
  Counters& counters() { return frontend_->counters; }

  /** Flows to endpoints that are not the frontend's any more. */
  void endStaleFlows();
  void end(Flow& flow);
  void close();

 private:
  void relay(unsigned count);
  Flow* flowOf(const SocketAddress& client);
  Flow* makeFlow(const SocketAddress& client);

  Worker& worker_;
  Descriptor socket_;
  SharedFrontend frontend_;
  std::unordered_map<SocketAddress, std::unique_ptr<Flow>, SocketAddressHash> flows_;
};

}  // namespace fairlead::sys::relay
