// Tells work that waits off the main thread that its environment is going away.
#pragma once

#include <atomic>
#include <memory>

#include "descriptor.h"
#include "result.h"

namespace fairlead::sys {

/** Raised once, never lowered. Its descriptor is readable once raised, so that poll(2) can wait on it too. */
class StopSignal {
 public:
  static Result<std::shared_ptr<StopSignal>> create();

  explicit StopSignal(Descriptor event) : event_(std::move(event)) {}

  void raise();
  bool isRaised() const { return raised_.load(); }
  int descriptor() const { return event_.get(); }

 private:
  Descriptor event_;
  std::atomic<bool> raised_{false};
};

}  // namespace fairlead::sys
