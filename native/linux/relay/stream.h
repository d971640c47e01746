// One direction of a relayed connection: what one socket gives, the other takes.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "../descriptor.h"
#include "pipe.h"

namespace fairlead::sys::relay {

/** A worker's means to move bytes, which all its connections use in turn. */
struct Transfer {
  std::vector<uint8_t> buffer;
  PipePool pipes;
};

/** A socket, and what epoll has said of it: edges, so that they are kept until a call says otherwise. */
struct End {
  Descriptor fd;
  bool readable = false;
  bool writable = false;
  /** All that will ever come has come. */
  bool ended = false;
  /** TCP_NODELAY is set: before the second write, as the first waits for nobody. */
  uint8_t writes = 0;
};

/**
 * Nothing is read that cannot be written but one buffer's worth, and nothing more until that is gone. A
 * little is copied, through one buffer of the worker's, which costs fewer calls; a lot is spliced.
 */
class Stream {
 public:
  enum class State {
    kWaiting,  // for either socket
    kMore,     // there may be more to move; others have their turn first
    kEnded,    // all is moved, and the other side has been told unless it is to be closed anyway
    kFailed,
  };

  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /** @param tell whether the other side is to be told of the end. @param moved bytes are added */
  State pump(End& from, End& to, Transfer& transfer, std::atomic<uint64_t>& moved, bool tell);

  /** Lets go of a pipe: before destruction. */
  void release(PipePool& pipes);

  bool hasEnded() const { return told_; }

 private:
  enum class Step { kGoOn, kBlocked, kFailed };

  Step fill(End& from, End& to, Transfer& transfer);
  Step copy(End& from, End& to, std::vector<uint8_t>& buffer);
  Step spliceIn(End& from);
  Step flush(End& to, PipePool& pipes);
  Step flushKept(End& to);
  Step flushPipe(End& to, PipePool& pipes);
  Step finish(End& to, bool tell);

  std::unique_ptr<Pipe> pipe_;
  std::size_t piped_ = 0;
  /** What was copied and not taken. */
  std::vector<uint8_t> kept_;
  std::size_t kept_from_ = 0;
  uint64_t moved_ = 0;
  uint32_t scant_ = 0;  // splices in a row that were hardly worth it
  bool splicing_ = false;
  bool end_seen_ = false;
  bool told_ = false;
};

/** Before a write to it. */
void beforeWrite(End& end);

}  // namespace fairlead::sys::relay
