#include "relay_arguments.h"

#include "arguments.h"

namespace fairlead::edge {

namespace {

using sys::relay::SocketAddress;

constexpr uint32_t kMostWorkers = 64;
constexpr uint32_t kMostPort = 0xffff;
/** Relay::frontendCounts has a byte for its length. */
constexpr std::size_t kMostKeyBytes = 255;
constexpr uint32_t kMostAttempts = 16;
constexpr std::size_t kV4Bytes = 4;
constexpr std::size_t kV6Bytes = 16;
/** Behind an endpoint's address: its port, and two bytes that mean nothing. */
constexpr std::size_t kPortBytes = 4;

std::string bytesText(const Napi::Value& value, const std::string& name) {
  const auto bytes = bytesArgument(value, name);
  return std::string(reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength());
}

/** Calls back with each element of an array and its name. */
template <typename Visit>
void each(const Napi::Value& value, const std::string& name, Visit&& visit) {
  if (!value.IsArray()) throw argumentError(value.Env(), name, "an array");
  const auto array = value.As<Napi::Array>();
  for (uint32_t index = 0; index < array.Length(); index++) {
    Napi::HandleScope scope(value.Env());
    visit(array.Get(index), name + "[" + std::to_string(index) + "]");
  }
}

SocketAddress addressOf(const Napi::Object& object, const std::string& name) {
  const auto ip = bytesText(object.Get("address"), name + ".address");
  if (ip.size() != kV4Bytes && ip.size() != kV6Bytes)
    throw argumentError(object.Env(), name + ".address", "4 or 16 bytes");
  return SocketAddress::of(
      ip, static_cast<uint16_t>(integerArgument(object.Get("port"), name + ".port", 0, kMostPort)));
}

std::vector<SocketAddress> endpointsOf(const Napi::Object& object, const std::string& name) {
  const auto row = bytesText(object.Get("endpoints"), name + ".endpoints");
  const uint32_t version = integerArgument(object.Get("ipVersion"), name + ".ipVersion", 4, 6);
  const std::size_t ip_bytes = version == 4 ? kV4Bytes : kV6Bytes;
  const std::size_t each_bytes = ip_bytes + kPortBytes;
  if (row.size() % each_bytes != 0)
    throw argumentError(object.Env(), name + ".endpoints",
                        "a multiple of " + std::to_string(each_bytes) + " bytes");
  std::vector<SocketAddress> endpoints;
  endpoints.reserve(row.size() / each_bytes);
  for (std::size_t at = 0; at < row.size(); at += each_bytes) {
    const auto high = static_cast<uint8_t>(row[at + ip_bytes]);
    const auto low = static_cast<uint8_t>(row[at + ip_bytes + 1]);
    endpoints.push_back(SocketAddress::of(std::string_view(row).substr(at, ip_bytes),
                                          static_cast<uint16_t>(high << 8 | low)));
  }
  return endpoints;
}

sys::relay::Protocol protocolOf(const Napi::Value& value, const std::string& name) {
  const auto text = stringArgument(value, name);
  if (text == "TCP") return sys::relay::Protocol::kTcp;
  if (text == "UDP") return sys::relay::Protocol::kUdp;
  throw argumentError(value.Env(), name, "TCP or UDP");
}

sys::relay::FrontendSpec frontendOf(const Napi::Value& value, const std::string& name) {
  const auto object = objectArgument(value, name);
  sys::relay::FrontendSpec spec;
  spec.key = bytesText(object.Get("key"), name + ".key");
  if (spec.key.size() > kMostKeyBytes)
    throw argumentError(object.Env(), name + ".key", "at most " + std::to_string(kMostKeyBytes) + " bytes");
  spec.protocol = protocolOf(object.Get("protocol"), name + ".protocol");
  const Napi::Value listen = object.Get("listen");
  if (!listen.IsNull()) spec.listen = addressOf(objectArgument(listen, name + ".listen"), name + ".listen");
  if (!spec.listen && spec.protocol == sys::relay::Protocol::kUdp)
    throw argumentError(object.Env(), name + ".listen",
                        "an address: of UDP nothing tells what a listener is for");
  spec.is_redirected = booleanArgument(object.Get("isRedirected"), name + ".isRedirected");
  spec.endpoints = endpointsOf(object, name);
  spec.affinity_ms = integerArgument(object.Get("affinityMs"), name + ".affinityMs", 0, kMostInt);
  return spec;
}

}  // namespace

sys::relay::Options relayOptions(const Napi::Value& value) {
  const auto object = objectArgument(value, "options");
  const auto integer = [&](const char* name, uint32_t least, uint32_t most) {
    return integerArgument(object.Get(name), name, least, most);
  };
  sys::relay::Options options;
  options.target = namespaceArgument(object.Get("namespace"), "namespace");
  options.workers = integer("workers", 1, kMostWorkers);
  options.max_connections = integer("maxConnections", 1, kMostInt);
  options.max_flows = integer("maxFlows", 1, kMostInt);
  options.mark = integer("mark", 0, UINT32_MAX);
  options.idle_ms = integer("idleMs", 1, kMostInt);
  options.half_closed_ms = integer("halfClosedMs", 1, kMostInt);
  options.flow_idle_ms = integer("flowIdleMs", 1, kMostInt);
  each(object.Get("connectTimeoutsMs"), "connectTimeoutsMs",
       [&](const Napi::Value& one, const std::string& name) {
         options.connect_timeouts_ms.push_back(integerArgument(one, name, 1, kMostInt));
       });
  const auto attempts = options.connect_timeouts_ms.size();
  if (attempts == 0 || attempts > kMostAttempts)
    throw argumentError(object.Env(), "connectTimeoutsMs",
                        "of 1 to " + std::to_string(kMostAttempts) + " attempts");
  each(object.Get("listeners"), "listeners", [&](const Napi::Value& one, const std::string& name) {
    const auto listener = objectArgument(one, name);
    const auto scope = static_cast<uint8_t>(integerArgument(listener.Get("scope"), name + ".scope", 0, 255));
    options.listeners.push_back({scope, addressOf(listener, name)});
  });
  return options;
}

sys::relay::Change relayChange(const Napi::Value& value) {
  const auto object = objectArgument(value, "change");
  sys::relay::Change change;
  each(object.Get("set"), "set",
       [&](const Napi::Value& one, const std::string& name) { change.set.push_back(frontendOf(one, name)); });
  each(object.Get("gone"), "gone",
       [&](const Napi::Value& one, const std::string& name) { change.gone.push_back(bytesText(one, name)); });
  return change;
}

}  // namespace fairlead::edge
