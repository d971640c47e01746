#include "connection.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>

#include "worker.h"

namespace fairlead::sys::relay {

namespace {

constexpr uint32_t kReads = EPOLLIN | EPOLLRDHUP | EPOLLET;

/** Neither a refusal nor a machine that cannot be reached gets better by waiting. */
bool isRefusal(int code) {
  return code != ETIMEDOUT && code != EADDRNOTAVAIL;
}

int errorOf(const Descriptor& fd) {
  int code = 0;
  socklen_t size = sizeof(code);
  return ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno;
}

void keepAlive(const Descriptor& fd) {
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

}  // namespace

void resetAtClose(const Descriptor& fd) {
  const linger none = {1, 0};
  if (fd.isOpen()) ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

Connection::Connection(Worker& worker, SharedFrontend frontend, Descriptor client, const SocketAddress& peer,
                       Place place)
    : worker_(worker),
      frontend_(std::move(frontend)),
      peer_(peer),
      place_(std::move(place)),
      client_ear_(*this, client_),
      server_ear_(*this, server_) {
  client_.fd = std::move(client);
  client_.writable = true;
  client_.writes = 2;  // TCP_NODELAY comes from the listener
}

// --- connecting ---

void Connection::connect() {
  const auto& timeouts = worker_.options().connect_timeouts_ms;
  SocketAddress endpoint;
  while (attempts_.made < timeouts.size() && frontend_->choose(peer_, worker_.nowMs(), attempts_, endpoint)) {
    if (connectTo(endpoint)) return worker_.connecting(attempts_.made - 1).add(*this, worker_.nowMs());
    attempts_.all_refused = attempts_.all_refused && isRefusal(errno);
  }
  frontend_->counters.refused.fetch_add(1, std::memory_order_relaxed);
  abort();
}

/** @returns false, with errno */
bool Connection::connectTo(const SocketAddress& endpoint) {
  server_ = End();
  server_.fd =
      Descriptor(::socket(endpoint.generic.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int fd = server_.fd.get();
  if (fd < 0) return false;
  const uint32_t mark = worker_.options().mark;
  if (mark != 0 && ::setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0) return false;
  if (::connect(fd, &endpoint.generic, endpoint.length()) != 0 && errno != EINPROGRESS) return false;
  return worker_.watch(fd, kReads | EPOLLOUT, server_ear_);
}

void Connection::onConnect(uint32_t events) {
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    const int code = errorOf(server_.fd);
    if (code != 0) return fail(code);
  }
  if ((events & EPOLLOUT) == 0) return;
  is_open_ = true;
  // What the client has sent meanwhile is most often there: it is read before it is watched.
  client_.readable = true;
  active_ms_ = worker_.nowMs();
  worker_.open().add(*this, active_ms_);
  move();
  if (!over_ && !worker_.watch(client_.fd.get(), kReads, client_ear_)) abort();
}

void Connection::fail(int code) {
  attempts_.all_refused = attempts_.all_refused && isRefusal(code);
  connect();
}

// --- moving ---

void Connection::onReady(End& end, uint32_t events) {
  if (over_) return;
  // Edges do not come again: what a server says with its very first packet is noted too.
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) end.readable = true;
  if ((events & EPOLLRDHUP) != 0) end.ended = true;
  if ((events & (EPOLLOUT | EPOLLERR)) != 0) end.writable = true;
  if (!is_open_) return onConnect(events);
  active_ms_ = worker_.nowMs();
  move();
}

void Connection::moveOn() {
  is_queued_ = false;
  if (!over_) move();
}

void Connection::move() {
  auto& counters = frontend_->counters;
  auto& transfer = worker_.transfer();
  // Who is last to end is not told: its socket closes.
  const auto up = up_.pump(client_, server_, transfer, counters.bytes_in, !down_.hasEnded());
  const auto down = up == Stream::State::kFailed
                        ? up
                        : down_.pump(server_, client_, transfer, counters.bytes_out, !up_.hasEnded());
  if (down == Stream::State::kFailed) return abort();
  if (up_.hasEnded() && down_.hasEnded()) return end();
  if (!client_.writable && !watches_writes_) watchWrites();
  const bool more = up == Stream::State::kMore || down == Stream::State::kMore;
  if (!over_ && more && !is_queued_) {
    is_queued_ = true;
    worker_.later(*this);
  }
}

/** Hardly a client is slower than its connection: its socket's writes are watched once one is. */
void Connection::watchWrites() {
  watches_writes_ = true;
  if (!worker_.rewatch(client_.fd.get(), kReads | EPOLLOUT, client_ear_)) abort();
}

// --- the end ---

void Connection::onDue() {
  if (!is_open_) return fail(ETIMEDOUT);
  const auto& options = worker_.options();
  const bool half_closed = up_.hasEnded() || down_.hasEnded();
  const int64_t idle_ms = worker_.nowMs() - active_ms_;
  if (idle_ms >= (half_closed ? options.half_closed_ms : options.idle_ms)) return abort();
  // Not at the start: most connections are over before it matters.
  if (!std::exchange(keeps_alive_, true)) {
    keepAlive(client_.fd);
    keepAlive(server_.fd);
  }
  worker_.open().add(*this, worker_.nowMs());
}

void Connection::abort() {
  if (over_) return;
  resetAtClose(client_.fd);
  resetAtClose(server_.fd);
  end();
}

void Connection::end() {
  over_ = true;
  leave();
  up_.release(worker_.transfer().pipes);
  down_.release(worker_.transfer().pipes);
  client_.fd.reset();
  server_.fd.reset();
  worker_.retire(*this);
}

}  // namespace fairlead::sys::relay
