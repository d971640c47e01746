#include "worker.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <system_error>

namespace fairlead::sys::relay {

namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr int kMostEvents = 128;
/** How long a listener is left alone when descriptors are lacking. */
constexpr int64_t kPauseMs = 100;
/** Idle connections and flows are looked for so many times within what they may be idle, and at least so
 * often. */
constexpr uint32_t kLooks = 4;
constexpr uint32_t kLongestLookMs = 30'000;

uint32_t lookEvery(uint32_t idle_ms) {
  return std::clamp<uint32_t>(idle_ms / kLooks, 1, kLongestLookMs);
}

/** Signals are the main thread's. A thread inherits what is blocked where it was made. */
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

Result<std::unique_ptr<Worker>> Worker::create(Shared& shared, std::vector<Descriptor> listeners) {
  std::unique_ptr<Worker> worker(new Worker(shared));
  auto prepared = worker->prepare(std::move(listeners));
  if (!prepared.ok()) return std::move(prepared.error());
  SignalsBlocked blocked;
  try {
    worker->thread_ = std::thread([raw = worker.get()] { raw->run(); });
  } catch (const std::system_error& error) {
    return SysError::of(error.code().value(), "pthread_create");
  }
  return worker;
}

Worker::Worker(Shared& shared)
    : shared_(shared),
      open_(timers_.emplace_back(lookEvery(std::min(shared.options.idle_ms, shared.options.half_closed_ms)))),
      flow_timers_(timers_.emplace_back(lookEvery(shared.options.flow_idle_ms))) {
  for (const uint32_t timeout_ms : shared.options.connect_timeouts_ms)
    connecting_.emplace_back(timers_.emplace_back(timeout_ms));
  transfer_.buffer.resize(kBufferBytes);
}

Status Worker::prepare(std::vector<Descriptor> listeners) {
  epoll_ = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.isOpen()) return SysError::last("epoll_create1");
  wake_ = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_.isOpen()) return SysError::last("eventfd");
  if (!watch(wake_.get(), EPOLLIN, inbox_)) return SysError::last("epoll_ctl");
  for (std::size_t index = 0; index < listeners.size(); index++) {
    const auto scope = shared_.options.listeners[index].scope;
    shared_listeners_.push_back(
        std::make_unique<TcpListener>(*this, std::move(listeners[index]), nullptr, scope));
    auto& listener = *shared_listeners_.back();
    if (!watch(listener.fd(), EPOLLIN, listener)) return SysError::last("epoll_ctl");
  }
  return Done{};
}

Worker::~Worker() {
  stop();
  if (thread_.joinable()) thread_.join();
}

void Worker::stop() {
  stop_.store(true);
  wake();
}

void Worker::tell(Command command) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    told_.push_back(std::move(command));
  }
  wake();
}

void Worker::wake() {
  const uint64_t one = 1;
  // Fails where it is full: then it is awake.
  if (wake_.isOpen()) [[maybe_unused]]
    const auto written = ::write(wake_.get(), &one, sizeof(one));
}

// --- the loop ---

void Worker::run() {
  ::pthread_setname_np(::pthread_self(), "relay");
  if (!shared_.options.target.isOwn()) {
    auto space = openNamespace(shared_.options.target);
    // Listeners were made there a moment ago, and our descriptor keeps it.
    if (!space.ok() || !enterNamespace(space.value()).ok()) return;
  }
  while (!stop_.load(std::memory_order_relaxed)) turn();
  // An end in peace would say that all has been said.
  while (!connections_.empty()) connections_.front().abort();
}

void Worker::turn() {
  std::array<epoll_event, kMostEvents> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), kMostEvents, waitMs());
  tick();
  for (int index = 0; index < count; index++)
    static_cast<Source*>(events[index].data.ptr)->onReady(events[index].events);
  runTimers();
  moveOn();
  retired_.clear();
  retired_sources_.clear();
}

void Worker::tick() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  now_ms_ = static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

int Worker::waitMs() const {
  if (!later_.empty()) return 0;
  int64_t due_ms = paused_.empty() ? -1 : resume_ms_;
  for (const auto& timers : timers_) {
    const int64_t first = timers.firstDueMs();
    if (first >= 0 && (due_ms < 0 || first < due_ms)) due_ms = first;
  }
  if (due_ms < 0) return -1;
  return static_cast<int>(std::clamp<int64_t>(due_ms - now_ms_, 0, 60'000));
}

void Worker::runTimers() {
  for (auto& timers : timers_) timers.run(now_ms_);
  if (!paused_.empty() && now_ms_ >= resume_ms_) resume();
}

void Worker::moveOn() {
  std::vector<Connection*> now;
  now.swap(later_);
  for (Connection* connection : now) connection->moveOn();
}

bool Worker::watch(int fd, uint32_t events, Source& source) {
  epoll_event event = {};
  event.events = events;
  event.data.ptr = &source;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

bool Worker::rewatch(int fd, uint32_t events, Source& source) {
  epoll_event event = {};
  event.events = events;
  event.data.ptr = &source;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0;
}

// --- connections ---

void Worker::accepted(SharedFrontend frontend, Descriptor client, const SocketAddress& peer) {
  Place place(shared_.connections, shared_.options.max_connections);
  if (!place.isTaken()) {
    shared_.overflows.fetch_add(1, std::memory_order_relaxed);
    frontend->counters.refused.fetch_add(1, std::memory_order_relaxed);
    resetAtClose(client);
    return;
  }
  frontend->counters.connections.fetch_add(1, std::memory_order_relaxed);
  auto& connection =
      connections_.emplace_back(*this, std::move(frontend), std::move(client), peer, std::move(place));
  connection.self = std::prev(connections_.end());
  connection.connect();
}

void Worker::retire(Connection& connection) {
  retired_.splice(retired_.end(), connections_, connection.self);
}

void Worker::pause(TcpListener& listener) {
  shared_.shortages.fetch_add(1, std::memory_order_relaxed);
  if (!rewatch(listener.fd(), 0, listener)) return;
  if (paused_.empty()) resume_ms_ = now_ms_ + kPauseMs;
  paused_.push_back(&listener);
}

void Worker::resume() {
  for (TcpListener* listener : std::exchange(paused_, {})) rewatch(listener->fd(), EPOLLIN, *listener);
}

// --- what it is told ---

void Worker::obey() {
  uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(wake_.get(), &count, sizeof(count));
  std::vector<Command> commands;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    commands.swap(told_);
  }
  for (auto& command : commands) {
    for (const auto& key : command.gone) drop(key);
    for (auto& listener : command.come) take(listener);
    for (const auto& key : command.changed) {
      const auto found = udp_listeners_.find(key);
      if (found != udp_listeners_.end()) found->second->endStaleFlows();
    }
  }
}

void Worker::take(OwnListener& own) {
  drop(own.key);
  if (own.protocol == Protocol::kUdp) {
    const auto key = own.key;
    auto listener = std::make_unique<UdpListener>(*this, std::move(own));
    if (watch(listener->fd(), EPOLLIN, *listener))
      udp_listeners_[key] = std::move(listener);
    else
      shared_.shortages.fetch_add(1, std::memory_order_relaxed);
  } else {
    auto listener = std::make_unique<TcpListener>(*this, std::move(own.socket), std::move(own.frontend), 0);
    if (watch(listener->fd(), EPOLLIN, *listener))
      tcp_listeners_[own.key] = std::move(listener);
    else
      shared_.shortages.fetch_add(1, std::memory_order_relaxed);
  }
}

void Worker::drop(const std::string& key) {
  const auto tcp = tcp_listeners_.find(key);
  if (tcp != tcp_listeners_.end()) {
    paused_.erase(std::remove(paused_.begin(), paused_.end(), tcp->second.get()), paused_.end());
    tcp->second->close();
    retire(std::move(tcp->second));
    tcp_listeners_.erase(tcp);
  }
  const auto udp = udp_listeners_.find(key);
  if (udp != udp_listeners_.end()) {
    udp->second->close();
    retire(std::move(udp->second));
    udp_listeners_.erase(udp);
  }
}

}  // namespace fairlead::sys::relay
