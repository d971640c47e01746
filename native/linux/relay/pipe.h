// Pipes for splice(2): what is read from one socket waits in one until the other takes it.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "../descriptor.h"

namespace fairlead::sys::relay {

struct Pipe {
  Descriptor read, write;
};

/** Of one worker. A pipe is taken while data is in it, so that few serve many connections. */
class PipePool {
 public:
  /** Null where the bound is reached, or the kernel has none: copy instead. */
  std::unique_ptr<Pipe> take();
  /** @param pipe empty */
  void give(std::unique_ptr<Pipe> pipe);
  /** One that is destroyed with data in it was taken too. */
  void discard(std::unique_ptr<Pipe> pipe);

 private:
  std::vector<std::unique_ptr<Pipe>> idle_;
  std::size_t taken_ = 0;
};

}  // namespace fairlead::sys::relay
