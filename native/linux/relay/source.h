// What epoll wakes.
#pragma once

#include <cstdint>

namespace fairlead::sys::relay {

class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;
  /** @param events EPOLLIN, … */
  virtual void onReady(uint32_t events) = 0;
};

}  // namespace fairlead::sys::relay
