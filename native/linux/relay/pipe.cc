#include "pipe.h"

#include <fcntl.h>

namespace fairlead::sys::relay {

namespace {

/** A user may have 16,384 pages in pipes before they shrink (pipe-user-pages-soft): two workers' worth of
 * these. */
constexpr std::size_t kMostTaken = 64;
constexpr std::size_t kMostIdle = 16;
constexpr int kPipeBytes = 512 * 1024;

std::unique_ptr<Pipe> makePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return nullptr;
  auto made = std::make_unique<Pipe>(Pipe{Descriptor(ends[0]), Descriptor(ends[1])});
  // Where that is refused it has the usual 64 KiB.
  ::fcntl(made->write.get(), F_SETPIPE_SZ, kPipeBytes);
  return made;
}

}  // namespace

std::unique_ptr<Pipe> PipePool::take() {
  if (taken_ >= kMostTaken) return nullptr;
  std::unique_ptr<Pipe> pipe;
  if (idle_.empty()) {
    pipe = makePipe();
  } else {
    pipe = std::move(idle_.back());
    idle_.pop_back();
  }
  if (pipe) taken_ += 1;
  return pipe;
}

void PipePool::give(std::unique_ptr<Pipe> pipe) {
  taken_ -= 1;
  if (idle_.size() < kMostIdle) idle_.push_back(std::move(pipe));
}

void PipePool::discard(std::unique_ptr<Pipe> pipe) {
  taken_ -= 1;
  pipe.reset();
}

}  // namespace fairlead::sys::relay
