// What a relay is told: its bounds once, its frontends as they come and go.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "../namespace.h"
#include "address.h"

namespace fairlead::sys::relay {

/** A listener of TCP that many frontends share: which is meant, a connection's original destination tells. */
struct SharedListener {
  uint8_t scope = 0;
  SocketAddress address;  // port 0: the kernel chooses
};

struct Options {
  NamespaceTarget target;
  uint32_t workers = 1;
  uint32_t max_connections = 0;
  uint32_t max_flows = 0;
  /** SO_MARK of what goes to endpoints; 0: none. */
  uint32_t mark = 0;
  /** One attempt each. */
  std::vector<uint32_t> connect_timeouts_ms;
  uint32_t idle_ms = 0;
  /** The same, of connections of which one side has ended. */
  uint32_t half_closed_ms = 0;
  uint32_t flow_idle_ms = 0;
  std::vector<SharedListener> listeners;
};

enum class Protocol : uint8_t { kTcp, kUdp };

struct FrontendSpec {
  /** Of one without a listener of its own, and of a redirected one: scope, address (none: any), port, in
   * network byte order. */
  std::string key;
  Protocol protocol = Protocol::kTcp;
  std::optional<SocketAddress> listen;
  /** Its own listener of UDP serves those alone who were led there from where its key says. */
  bool is_redirected = false;
  std::vector<SocketAddress> endpoints;
  uint32_t affinity_ms = 0;  // 0: none
};

struct Change {
  std::vector<FrontendSpec> set;
  std::vector<std::string> gone;
};

/** Ports: of each spec, or listener, in order; 0 of a spec that has no listener of its own. */
using Ports = std::vector<uint16_t>;

}  // namespace fairlead::sys::relay
