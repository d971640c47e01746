// Bounds in time, of which few lengths are in use: a list for each, in the order in which they end.
#pragma once

#include <cstdint>

namespace fairlead::sys::relay {

/** In at most one list, which it leaves when it is destroyed. */
class TimerEntry {
 public:
  TimerEntry() : previous_(this), next_(this) {}
  TimerEntry(const TimerEntry&) = delete;
  TimerEntry& operator=(const TimerEntry&) = delete;
  virtual ~TimerEntry() { leave(); }

  /** Its time is over; it has left its list. */
  virtual void onDue() {}

  void leave() {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = this;
  }

 private:
  friend class TimerList;

  TimerEntry* previous_;
  TimerEntry* next_;
  int64_t due_ms_ = 0;
};

class TimerList {
 public:
  explicit TimerList(uint32_t length_ms) : length_ms_(length_ms) {}

  /** Takes it out of the list that it was in. */
  void add(TimerEntry& entry, int64_t now_ms) {
    entry.leave();
    entry.due_ms_ = now_ms + length_ms_;
    entry.previous_ = end_.previous_;
    entry.next_ = &end_;
    entry.previous_->next_ = &entry;
    end_.previous_ = &entry;
  }

  /** @returns when the first one's time is over; -1: there is none */
  int64_t firstDueMs() const { return isEmpty() ? -1 : end_.next_->due_ms_; }

  void run(int64_t now_ms) {
    while (!isEmpty() && end_.next_->due_ms_ <= now_ms) {
      TimerEntry* first = end_.next_;
      first->leave();
      first->onDue();
    }
  }

 private:
  bool isEmpty() const { return end_.next_ == &end_; }

  uint32_t length_ms_;
  TimerEntry end_;
};

}  // namespace fairlead::sys::relay
