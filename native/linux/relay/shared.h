// What the workers of a relay have in common; it outlives them.
#pragma once

#include <atomic>
#include <cstdint>

#include "config.h"
#include "table.h"

namespace fairlead::sys::relay {

struct Shared {
  Options options;
  Table table;
  std::atomic<uint32_t> connections{0};
  std::atomic<uint32_t> flows{0};
  /** Connections and flows that came with the relay full. */
  std::atomic<uint64_t> overflows{0};
  /** Connections to no frontend, and datagrams that came to a port of ours without having been led there. */
  std::atomic<uint64_t> strangers{0};
  /** Descriptors or memory were lacking. */
  std::atomic<uint64_t> shortages{0};
};

/** One place of those that a bound leaves; given back at destruction. */
class Place {
 public:
  /** Check with isTaken. */
  Place(std::atomic<uint32_t>& used, uint32_t most) {
    if (used.fetch_add(1, std::memory_order_relaxed) < most)
      used_ = &used;
    else
      used.fetch_sub(1, std::memory_order_relaxed);
  }
  Place(Place&& other) noexcept : used_(other.used_) { other.used_ = nullptr; }
  Place& operator=(Place&&) = delete;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    if (used_ != nullptr) used_->fetch_sub(1, std::memory_order_relaxed);
  }
  bool isTaken() const { return used_ != nullptr; }

 private:
  std::atomic<uint32_t>* used_ = nullptr;
};

}  // namespace fairlead::sys::relay
