#include "stream.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

namespace fairlead::sys::relay {

namespace {

/** Reads of one stream before others have their turn. */
constexpr int kMostSteps = 16;
/** Most that one splice moves into a pipe. */
constexpr std::size_t kMostSpliced = 1 << 20;
/** Splices of less than this, so many in a row, show that copying is cheaper. */
constexpr std::size_t kScantBytes = 8192;
constexpr uint32_t kMostScant = 4;

bool wouldBlock() {
  return errno == EAGAIN || errno == EINTR;
}

}  // namespace

void beforeWrite(End& end) {
  if (end.writes > 1) return;
  end.writes += 1;
  if (end.writes < 2) return;
  const int on = 1;
  ::setsockopt(end.fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

Stream::State Stream::pump(End& from, End& to, Transfer& transfer, std::atomic<uint64_t>& moved, bool tell) {
  if (told_) return State::kEnded;
  auto step = Step::kGoOn;
  for (int done = 0; step == Step::kGoOn && done < kMostSteps; done++) {
    step = flush(to, transfer.pipes);
    if (step != Step::kGoOn) break;
    step = end_seen_ ? finish(to, tell) : fill(from, to, transfer);
    if (told_) break;
  }
  if (moved_ > 0) moved.fetch_add(std::exchange(moved_, 0), std::memory_order_relaxed);
  if (step == Step::kFailed) return State::kFailed;
  if (told_) return State::kEnded;
  return step == Step::kBlocked ? State::kWaiting : State::kMore;
}

void Stream::release(PipePool& pipes) {
  if (pipe_) pipes.discard(std::move(pipe_));
}

Stream::Step Stream::fill(End& from, End& to, Transfer& transfer) {
  if (!from.readable) return Step::kBlocked;
  if (splicing_ && !pipe_) pipe_ = transfer.pipes.take();
  return splicing_ && pipe_ ? spliceIn(from) : copy(from, to, transfer.buffer);
}

/** Into the buffer and out again at once; what is not taken is kept. */
Stream::Step Stream::copy(End& from, End& to, std::vector<uint8_t>& buffer) {
  const ssize_t got = ::recv(from.fd.get(), buffer.data(), buffer.size(), 0);
  if (got < 0) {
    if (!wouldBlock()) return Step::kFailed;
    from.readable = false;
    return Step::kBlocked;
  }
  const auto size = static_cast<std::size_t>(got);
  if (size < buffer.size()) {
    // All that was there: what comes later comes with another edge, but for an end that has been told
    // already.
    from.readable = false;
    end_seen_ = size == 0 || from.ended;
    if (size == 0) return Step::kGoOn;
  } else {
    splicing_ = true;
  }
  beforeWrite(to);
  ssize_t put = ::send(to.fd.get(), buffer.data(), size, MSG_NOSIGNAL);
  if (put < 0) {
    if (!wouldBlock()) return Step::kFailed;
    put = 0;
  }
  moved_ += static_cast<std::size_t>(put);
  if (static_cast<std::size_t>(put) < size) {
    kept_.assign(buffer.begin() + put, buffer.begin() + got);
    kept_from_ = 0;
    to.writable = false;
  }
  return Step::kGoOn;
}

Stream::Step Stream::spliceIn(End& from) {
  const ssize_t got = ::splice(from.fd.get(), nullptr, pipe_->write.get(), nullptr, kMostSpliced,
                               SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (got < 0) {
    if (!wouldBlock()) return Step::kFailed;
    from.readable = false;
    return Step::kBlocked;
  }
  if (got == 0) {
    from.readable = false;
    end_seen_ = true;
    return Step::kGoOn;
  }
  piped_ = static_cast<std::size_t>(got);
  scant_ = piped_ < kScantBytes ? scant_ + 1 : 0;
  if (scant_ >= kMostScant) {
    scant_ = 0;
    splicing_ = false;
  }
  return Step::kGoOn;
}

Stream::Step Stream::flush(End& to, PipePool& pipes) {
  if (kept_from_ < kept_.size()) return flushKept(to);
  return pipe_ ? flushPipe(to, pipes) : Step::kGoOn;
}

Stream::Step Stream::flushKept(End& to) {
  if (!to.writable) return Step::kBlocked;
  beforeWrite(to);
  const auto size = kept_.size() - kept_from_;
  const ssize_t put = ::send(to.fd.get(), kept_.data() + kept_from_, size, MSG_NOSIGNAL);
  if (put < 0) {
    if (!wouldBlock()) return Step::kFailed;
    to.writable = false;
    return Step::kBlocked;
  }
  moved_ += static_cast<std::size_t>(put);
  kept_from_ += static_cast<std::size_t>(put);
  if (kept_from_ < kept_.size()) return Step::kGoOn;
  std::vector<uint8_t>().swap(kept_);
  kept_from_ = 0;
  return Step::kGoOn;
}

Stream::Step Stream::flushPipe(End& to, PipePool& pipes) {
  while (piped_ > 0) {
    if (!to.writable) return Step::kBlocked;
    beforeWrite(to);
    const ssize_t put =
        ::splice(pipe_->read.get(), nullptr, to.fd.get(), nullptr, piped_, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (put < 0) {
      if (!wouldBlock()) return Step::kFailed;
      to.writable = false;
      return Step::kBlocked;
    }
    moved_ += static_cast<std::size_t>(put);
    piped_ -= static_cast<std::size_t>(put);
  }
  pipes.give(std::move(pipe_));
  return Step::kGoOn;
}

Stream::Step Stream::finish(End& to, bool tell) {
  told_ = true;
  if (tell && ::shutdown(to.fd.get(), SHUT_WR) != 0 && errno != ENOTCONN) return Step::kFailed;
  return Step::kGoOn;
}

}  // namespace fairlead::sys::relay
