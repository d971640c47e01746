#include "process.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>

#include "deadline.h"

namespace fairlead::sys {

namespace {

// What is read in one turn, so that a program that writes without end cannot keep us from the clock. It is
// also the largest capacity of a pipe (fs.pipe-max-size): one turn empties what an ended child has left.
constexpr std::size_t kMostBytesPerTurn = std::size_t{1} << 20;

bool wouldBlock() {
  return errno == EAGAIN || errno == EWOULDBLOCK;
}

/** Writing to a child that has closed its stdin must not kill node. The signal dies with the thread. */
void blockSignals() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

class Conversation {
 public:
  Conversation(const RunRequest& request, const StopSignal& stop, Child& child)
      : request_(request), stop_(stop), child_(child), deadline_(request.timeout_ms) {}

  Result<RunOutcome> hold();

 private:
  Result<bool> turn();
  Status transfer();
  Status feed();
  Status drain(Descriptor& pipe, std::vector<uint8_t>& into);
  SysError failure(int code, std::string_view call) {
    return SysError::of(code, call, request_.program.argv.front());
  }

  const RunRequest& request_;
  const StopSignal& stop_;
  Child& child_;
  Deadline deadline_;
  std::size_t fed_ = 0;
  RunOutcome outcome_;
};

/** Returning early with an error is safe: the child's destructor kills and reaps. */
Result<RunOutcome> Conversation::hold() {
  for (;;) {
    auto ended = turn();
    if (!ended.ok()) return std::move(ended.error());
    if (ended.value()) break;
  }
  const int status = child_.reap();
  if (WIFEXITED(status)) outcome_.status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) outcome_.signal = WTERMSIG(status);
  return std::move(outcome_);
}

/** Waits for something to do and does it. True: the child has ended and its output is read. */
Result<bool> Conversation::turn() {
  // poll(2) ignores closed pipes, whose descriptor is -1.
  pollfd watched[] = {{child_.pidfd().get(), POLLIN, 0},
                      {stop_.descriptor(), POLLIN, 0},
                      {child_.out.get(), POLLIN, 0},
                      {child_.err.get(), POLLIN, 0},
                      {child_.in.get(), POLLOUT, 0}};
  if (::poll(watched, std::size(watched), deadline_.remainingMs()) < 0 && errno != EINTR) {
    return SysError::last("poll");
  }
  // The end is looked at before the pipes are read: what the child wrote is then in them.
  const bool ended = watched[0].revents != 0;
  auto moved = transfer();
  if (!moved.ok()) return std::move(moved.error());
  if (ended) return true;
  if (stop_.isRaised()) return failure(ECANCELED, "waitpid");
  if (deadline_.passed()) return failure(ETIMEDOUT, "waitpid");
  return false;
}

Status Conversation::transfer() {
  auto moved = feed();
  if (moved.ok()) moved = drain(child_.out, outcome_.out);
  if (moved.ok()) moved = drain(child_.err, outcome_.err);
  return moved;
}

/** Writes what fits into the child's stdin, and closes it at the end of the input. */
Status Conversation::feed() {
  while (child_.in.isOpen() && fed_ < request_.input.size()) {
    const ssize_t count =
        ::write(child_.in.get(), request_.input.data() + fed_, request_.input.size() - fed_);
    if (count >= 0) {
      fed_ += static_cast<std::size_t>(count);
    } else if (errno == EPIPE) {
      break;  // it does not want the rest, which is its right
    } else if (wouldBlock()) {
      return Done{};
    } else if (errno != EINTR) {
      return SysError::last("write", "stdin");
    }
  }
  child_.in.reset();
  return Done{};
}

Status Conversation::drain(Descriptor& pipe, std::vector<uint8_t>& into) {
  uint8_t chunk[16 * 1024];
  for (std::size_t read_bytes = 0; pipe.isOpen() && read_bytes < kMostBytesPerTurn;) {
    const ssize_t count = ::read(pipe.get(), chunk, sizeof(chunk));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && wouldBlock()) break;
    if (count < 0) return SysError::last("read", "output");
    if (count == 0) pipe.reset();
    const auto size = static_cast<std::size_t>(count);
    if (size > request_.max_output_bytes - into.size()) return failure(EFBIG, "read");
    into.insert(into.end(), chunk, chunk + size);
    read_bytes += size;
  }
  return Done{};
}

}  // namespace

Result<RunOutcome> runHere(const RunRequest& request, const StopSignal& stop) {
  blockSignals();
  if (!request.target.isOwn()) {
    auto space = openNamespace(request.target);
    if (!space.ok()) return std::move(space.error());
    auto entered = enterNamespace(space.value());
    if (!entered.ok()) return std::move(entered.error());
  }
  auto child = Child::spawn(request.program);
  if (!child.ok()) return std::move(child.error());
  return Conversation(request, stop, child.value()).hold();
}

}  // namespace fairlead::sys
