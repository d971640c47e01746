// A frontend's UDP socket and its clients' flows: each client has a socket of its own towards one endpoint.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "../descriptor.h"
#include "own_listener.h"
#include "shared.h"
#include "sockets.h"
#include "source.h"
#include "timers.h"

namespace fairlead::sys::relay {

class UdpListener;
class Worker;

/**
 * What a socket lost while nobody read it. SO_RXQ_OVFL tells that only with a datagram that comes later: here
 * it is asked for behind a long queue, and at the end.
 */
class Drops {
 public:
  /** @returns datagrams lost since the last look */
  uint32_t more(const Descriptor& socket) {
    const uint32_t now = dropsOf(socket);
    return now - std::exchange(seen_, now);
  }

 private:
  uint32_t seen_ = 0;
};

/** Room for a batch of datagrams, of a worker, whose flows use it in turn. */
class UdpBuffers {
 public:
  static constexpr unsigned kBatch = 32;

  /** Receives what is there, at most a batch. @returns how many; 0: none, or an error (errno) */
  unsigned receive(int fd);
  /** What they took of a socket's room while they waited, and hardly more. */
  std::size_t held(unsigned count) const;
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
  void close();
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
  void countDrops();

  UdpListener& listener_;
  SocketAddress client_, endpoint_, reached_;
  Place place_;
  Descriptor socket_;
  Drops drops_;
  int64_t active_ms_ = 0;
};

class UdpListener final : public Source {
 public:
  UdpListener(Worker& worker, OwnListener own);

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
  Flow* flowOf(const SocketAddress& client, const SocketAddress& reached);
  Flow* makeFlow(const SocketAddress& client, const SocketAddress& reached);
  bool wasLedHere(const SocketAddress& client, const SocketAddress& reached);
  void countDrops();

  Worker& worker_;
  Descriptor socket_;
  SharedFrontend frontend_;
  /** Of a redirected one, what its clients must have meant. */
  uint8_t scope_ = 0;
  uint16_t port_;
  bool is_redirected_;
  Drops drops_;
  std::unordered_map<SocketAddress, std::unique_ptr<Flow>, SocketAddressHash> flows_;
};

}  // namespace fairlead::sys::relay
