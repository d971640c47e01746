#include "relay.h"

#include <array>

#include "sockets.h"

namespace fairlead::sys::relay {

Result<std::shared_ptr<Relay>> Relay::open(Options options) {
  std::shared_ptr<Relay> relay(new Relay(std::move(options)));
  auto started = relay->start();
  if (!started.ok()) return std::move(started.error());
  return relay;
}

Relay::Relay(Options options) {
  shared_.options = std::move(options);
}

Relay::~Relay() {
  // All at once: each would take its time else.
  for (const auto& worker : workers_) worker->stop();
}

Status Relay::start() {
  const auto& options = shared_.options;
  auto made = inNamespace<std::vector<Listening>>(options.target, [&]() -> Result<std::vector<Listening>> {
    std::vector<Listening> all;
    for (const auto& listener : options.listeners) {
      auto one = listenAt(Protocol::kTcp, listener.address, options.workers);
      if (!one.ok()) return std::move(one.error());
      all.push_back(std::move(one.value()));
    }
    return all;
  });
  if (!made.ok()) return std::move(made.error());
  for (const auto& listening : made.value()) ports_.push_back(listening.port);
  for (uint32_t index = 0; index < options.workers; index++) {
    std::vector<Descriptor> sockets;
    for (auto& listening : made.value()) sockets.push_back(std::move(listening.sockets[index]));
    auto worker = Worker::create(shared_, std::move(sockets));
    if (!worker.ok()) return std::move(worker.error());
    workers_.push_back(std::move(worker.value()));
  }
  return Done{};
}

Result<Ports> Relay::update(Change change) {
  std::unique_lock<std::mutex> lock(updating_, std::try_to_lock);
  if (!lock.owns_lock()) return SysError::of(EBUSY, "relay", "update");
  std::vector<Command> commands(workers_.size());
  // What can fail comes first.
  auto ports = inNamespace<Ports>(shared_.options.target, [&] { return listen(change, commands); });
  if (!ports.ok()) return ports;
  for (const auto& key : change.gone) {
    shared_.table.remove(key);
    own_.erase(key);
  }
  for (std::size_t index = 0; index < change.set.size(); index++) {
    auto& spec = change.set[index];
    if (spec.listen) own_[spec.key] = {*spec.listen, ports.value()[index]};
    shared_.table.getOrAdd(spec.key)->set(std::move(spec.endpoints), spec.affinity_ms);
  }
  for (std::size_t index = 0; index < commands.size(); index++) {
    auto& command = commands[index];
    command.gone = change.gone;
    for (auto& own : command.come) own.frontend = shared_.table.get(own.key);
    for (const auto& spec : change.set)
      if (spec.protocol == Protocol::kUdp) command.changed.push_back(spec.key);
    workers_[index]->tell(std::move(command));
  }
  return ports;
}

/** Opens listeners of frontends that have none yet, or are to have another. */
Result<Ports> Relay::listen(const Change& change, std::vector<Command>& commands) {
  Ports ports;
  for (const auto& spec : change.set) {
    ports.push_back(0);
    if (!spec.listen) continue;
    const auto found = own_.find(spec.key);
    if (found != own_.end() && found->second.asked == *spec.listen) {
      ports.back() = found->second.port;
      continue;
    }
    auto made = listenAt(spec.protocol, *spec.listen, static_cast<uint32_t>(workers_.size()));
    if (!made.ok()) return std::move(made.error());
    ports.back() = made.value().port;
    for (std::size_t index = 0; index < commands.size(); index++)
      commands[index].come.push_back({spec.key, spec.protocol, std::move(made.value().sockets[index]),
                                      made.value().port, spec.is_redirected, nullptr});
  }
  return ports;
}

Counts Relay::counts() const {
  Counts counts = {};
  counts.connections = shared_.connections.load();
  counts.flows = shared_.flows.load();
  counts.overflows = shared_.overflows.load();
  counts.strangers = shared_.strangers.load();
  counts.shortages = shared_.shortages.load();
  return counts;
}

std::string Relay::frontendCounts() const {
  std::string packed;
  shared_.table.each([&](const std::string& key, const Frontend& frontend) {
    const auto& of = frontend.counters;
    const std::array<uint64_t, 6> counts = {of.connections.load(), of.refused.load(),   of.retries.load(),
                                            of.bytes_in.load(),    of.bytes_out.load(), of.dropped.load()};
    packed.push_back(static_cast<char>(key.size()));
    packed.append(key);
    packed.append(reinterpret_cast<const char*>(counts.data()), sizeof(counts));
  });
  return packed;
}

}  // namespace fairlead::sys::relay
