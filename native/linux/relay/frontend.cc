#include "frontend.h"

#include <algorithm>
#include <random>

namespace fairlead::sys::relay {

namespace {

constexpr std::size_t kMostAffine = 1 << 16;

}  // namespace

const SocketAddress* Affinity::find(std::string_view client, int64_t now_ms, uint32_t timeout_ms) {
  while (!entries_.empty() && now_ms - entries_.front().used_ms > timeout_ms) {
    by_client_.erase(entries_.front().client);
    entries_.pop_front();
  }
  const auto found = by_client_.find(client);
  return found == by_client_.end() ? nullptr : &found->second->endpoint;
}

void Affinity::remember(std::string_view client, const SocketAddress& endpoint, int64_t now_ms) {
  const auto found = by_client_.find(client);
  if (found != by_client_.end()) {
    found->second->endpoint = endpoint;
    found->second->used_ms = now_ms;
    entries_.splice(entries_.end(), entries_, found->second);
    return;
  }
  if (entries_.size() >= kMostAffine) {
    by_client_.erase(entries_.front().client);
    entries_.pop_front();
  }
  entries_.push_back({std::string(client), endpoint, now_ms});
  by_client_.emplace(entries_.back().client, std::prev(entries_.end()));
}

// Frontends that all began with their first endpoint would load the same ones.
Frontend::Frontend() : next_(std::random_device()()) {}

void Frontend::set(Endpoints endpoints, uint32_t affinity_ms) {
  std::lock_guard<std::mutex> lock(mutex_);
  endpoints_ = std::move(endpoints);
  if (affinity_ms == 0) affinity_ = Affinity();
  affinity_ms_ = affinity_ms;
}

bool Frontend::has(const SocketAddress& endpoint) const {
  std::lock_guard<std::mutex> lock(mutex_);
  return std::find(endpoints_.begin(), endpoints_.end(), endpoint) != endpoints_.end();
}

bool Frontend::choose(const SocketAddress& client, int64_t now_ms, Attempts& attempts,
                      SocketAddress& chosen) {
  std::lock_guard<std::mutex> lock(mutex_);
  const std::size_t count = endpoints_.size();
  if (count == 0) return false;
  if (attempts.made > 0) return chooseAgain(client, now_ms, attempts, chosen);
  attempts.made = 1;
  if (affinity_ms_ > 0) {
    const auto* last = affinity_.find(client.ip(), now_ms, affinity_ms_);
    const auto at =
        last == nullptr ? endpoints_.end() : std::find(endpoints_.begin(), endpoints_.end(), *last);
    if (at != endpoints_.end()) {
      attempts.start = static_cast<std::size_t>(at - endpoints_.begin());
      affinity_.remember(client.ip(), chosen = *at, now_ms);
      return true;
    }
  }
  attempts.start = next_++ % count;
  chosen = endpoints_[attempts.start];
  if (affinity_ms_ > 0) affinity_.remember(client.ip(), chosen, now_ms);
  return true;
}

bool Frontend::chooseAgain(const SocketAddress& client, int64_t now_ms, Attempts& attempts,
                           SocketAddress& chosen) {
  if (attempts.made >= endpoints_.size() && attempts.all_refused) return false;
  chosen = endpoints_[(attempts.start + attempts.made) % endpoints_.size()];
  attempts.made += 1;
  counters.retries.fetch_add(1, std::memory_order_relaxed);
  if (affinity_ms_ > 0) affinity_.remember(client.ip(), chosen, now_ms);
  return true;
}

}  // namespace fairlead::sys::relay
