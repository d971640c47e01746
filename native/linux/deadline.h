// A bound in time, on the monotonic clock.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace fairlead::sys {

class Deadline {
 public:
  Deadline() = default;
  explicit Deadline(uint32_t timeout_ms)
      : at_(std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms)) {}

  bool passed() const { return std::chrono::steady_clock::now() >= at_; }

  /** For poll(2), rounded up so that waking never comes before the deadline. */
  int remainingMs() const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(at_ - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT32_MAX));
  }

 private:
  std::chrono::steady_clock::time_point at_;
};

}  // namespace fairlead::sys
