// Frontends by what tells them: read by workers at each connection, changed by who is told what there is.
#pragma once

#include <shared_mutex>
#include <string>
#include <unordered_map>

#include "frontend.h"

namespace fairlead::sys::relay {

class Table {
 public:
  /** Of a shared listener: by the whole destination, else by its port alone. @returns null: nobody's */
  SharedFrontend find(uint8_t scope, const SocketAddress& destination) const;

  SharedFrontend get(const std::string& key) const;
  /** @returns the one that is there, or a new one */
  SharedFrontend getOrAdd(const std::string& key);
  void remove(const std::string& key);

  /** Calls back for each. */
  template <typename Visit>
  void each(Visit&& visit) const {
    std::shared_lock<std::shared_mutex> lock(mutex_);
    for (const auto& [key, frontend] : frontends_) visit(key, *frontend);
  }

 private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, SharedFrontend> frontends_;
};

}  // namespace fairlead::sys::relay
