// A relay of TCP and UDP in user space: what comes to a frontend goes to one of its endpoints and back.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "shared.h"
#include "worker.h"

namespace fairlead::sys::relay {

struct Counts {
  uint32_t connections, flows;  // that are open
  uint64_t overflows, strangers, shortages;
};

/**
 * Destruction order: workers are told to stop and joined, with all that is theirs (worker.h); then the
 * frontends go.
 */
class Relay {
 public:
  static Result<std::shared_ptr<Relay>> open(Options options);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;
  ~Relay();

  /** Of the options' listeners. */
  const Ports& ports() const { return ports_; }

  /**
   * Frontends that come or change, and those that go. Connections live on wherever they lead; flows to
   * endpoints that a frontend has no more end. A frontend's own listener stays for as long as its address is
   * the same.
   *
   * EBUSY: another change is under way. On an error nothing has changed.
   *
   * @returns ports of the frontends' own listeners
   */
  Result<Ports> update(Change change);
  Counts counts() const;
  /**
   * Of all frontends, packed, as there may be many: of each a byte that is its key's length, the key, and its
   * counters in the order of struct Counters, of 8 bytes each.
   */
  std::string frontendCounts() const;

 private:
  explicit Relay(Options options);

  Status start();
  Result<Ports> listen(const Change& change, std::vector<Command>& commands);

  Shared shared_;
  Ports ports_;
  std::mutex updating_;  // guards own_
  struct Own {
    SocketAddress asked;
    uint16_t port;
  };
  std::unordered_map<std::string, Own> own_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace fairlead::sys::relay
