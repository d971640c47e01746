#include "netlink_exchange.h"

#include <poll.h>

#include "netlink_wire.h"

namespace fairlead::sys {

namespace {

/**
 * Throws away what is left to read: answers of an earlier request that ran out of time, or what followed an
 * overrun. A dump that is under way goes on within recvmsg(2), so this also ends it; a socket that still has
 * one would refuse the next with EBUSY. Errors here belong to what is thrown away. False: out of time.
 */
bool drain(const Descriptor& socket, const Deadline& deadline) {
  for (;;) {
    auto received = receive(socket);
    if (received.ok() && received.value().bytes == nullptr) return true;
    if (deadline.passed()) return false;
  }
}

}  // namespace

bool Exchange::finish(SysError error) {
  failure_ = std::move(error);
  return true;
}

bool Exchange::advance(const Descriptor& socket, const StopSignal& stop, Waiting waiting) {
  if (!sent_ && send(socket)) return true;
  for (;;) {
    if (collect(socket)) return true;
    if (waiting == Waiting::kForbidden) return false;
    if (wait(socket, stop)) return true;
  }
}

/** True: it failed, and the exchange is over. */
bool Exchange::send(const Descriptor& socket) {
  if (request_.batch_bytes > request_.max_batch_bytes) return finish(SysError::of(EMSGSIZE, "sendmsg"));
  deadline_ = Deadline(request_.timeout_ms);
  if (!drain(socket, deadline_)) return finish(SysError::of(ETIMEDOUT, "recvmsg"));
  auto sent = sendBatch(socket, request_.batch, request_.batch_bytes);
  if (!sent.ok()) return finish(std::move(sent.error()));
  sent_ = true;
  return false;
}

/** Reads all there is. True: the answer is whole, or lost, or out of time. */
bool Exchange::collect(const Descriptor& socket) {
  for (;;) {
    auto received = receive(socket);
    if (!received.ok()) {
      lose(socket, std::move(received.error()));
      return true;
    }
    const Received& datagram = received.value();
    if (datagram.bytes == nullptr) return seen_ >= request_.terminators;
    answers_.add(datagram.bytes, datagram.size);
    seen_ += summarize(datagram.bytes, datagram.size).terminators;
    // A dump comes as fast as it is read: without this look at the clock it would know no bound.
    if (seen_ < request_.terminators && deadline_.passed()) {
      return finish(SysError::of(ETIMEDOUT, "recvmsg"));
    }
  }
}

/** The socket stays congested, and drops more, until its queue was empty once (netlink_rcv_wake). */
void Exchange::lose(const Descriptor& socket, SysError error) {
  drain(socket, deadline_);
  failure_ = std::move(error);
}

/** True: there is nothing to wait for any more. */
bool Exchange::wait(const Descriptor& socket, const StopSignal& stop) {
  pollfd watched[] = {{socket.get(), POLLIN, 0}, {stop.descriptor(), POLLIN, 0}};
  const int ready = ::poll(watched, 2, deadline_.remainingMs());
  if (stop.isRaised()) return finish(SysError::of(ECANCELED, "poll"));
  if (ready < 0 && errno != EINTR) return finish(SysError::last("poll"));
  if (ready <= 0 && deadline_.passed()) return finish(SysError::of(ETIMEDOUT, "recvmsg"));
  return false;
}

}  // namespace fairlead::sys
