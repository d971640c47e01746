// A frontend's endpoints: whose turn it is, and to whom a client comes back.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "address.h"

namespace fairlead::sys::relay {

using Endpoints = std::vector<SocketAddress>;

/** Since the frontend came. Workers add to them as they go. */
struct Counters {
  std::atomic<uint64_t> connections{0};  // of UDP: flows
  /** Could not be served: no endpoint answered, or the relay was full. */
  std::atomic<uint64_t> refused{0};
  std::atomic<uint64_t> retries{0};
  std::atomic<uint64_t> bytes_in{0};   // from clients
  std::atomic<uint64_t> bytes_out{0};  // to clients
  /** Datagrams for which its sockets, or its flows', had no room. */
  std::atomic<uint64_t> dropped{0};
};

/** One connection's search for an endpoint. */
struct Attempts {
  uint32_t made = 0;
  std::size_t start = 0;
  /** An endpoint that said nothing may only have been slow; one that refused would do so again. */
  bool all_refused = true;
};

/** Which endpoint a client had last. Bounded: who has not come for longest is forgotten. Not thread-safe. */
class Affinity {
 public:
  const SocketAddress* find(std::string_view client, int64_t now_ms, uint32_t timeout_ms);
  void remember(std::string_view client, const SocketAddress& endpoint, int64_t now_ms);

 private:
  struct Entry {
    std::string client;
    SocketAddress endpoint;
    int64_t used_ms;
  };
  std::list<Entry> entries_;  // who came last is last
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_client_;
};

/** Shared by workers; what it holds may change at any time. */
class Frontend {
 public:
  Frontend();

  Counters counters;

  void set(Endpoints endpoints, uint32_t affinity_ms);
  bool has(const SocketAddress& endpoint) const;

  /**
   * The endpoint of the next attempt: the client's own, then one after another from whose turn it is.
   *
   * @returns false when there is none that is worth trying
   */
  bool choose(const SocketAddress& client, int64_t now_ms, Attempts& attempts, SocketAddress& chosen);

 private:
  bool chooseAgain(const SocketAddress& client, int64_t now_ms, Attempts& attempts, SocketAddress& chosen);

  mutable std::mutex mutex_;
  Endpoints endpoints_;
  uint32_t affinity_ms_ = 0;
  std::size_t next_;
  Affinity affinity_;
};

using SharedFrontend = std::shared_ptr<Frontend>;

}  // namespace fairlead::sys::relay
