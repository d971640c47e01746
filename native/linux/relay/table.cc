#include "table.h"

#include <mutex>

namespace fairlead::sys::relay {

namespace {

std::string keyOf(uint8_t scope, std::string_view ip, uint16_t port) {
  std::string key(1, static_cast<char>(scope));
  key.append(ip);
  key.push_back(static_cast<char>(port >> 8));
  key.push_back(static_cast<char>(port & 0xff));
  return key;
}

}  // namespace

SharedFrontend Table::find(uint8_t scope, const SocketAddress& destination) const {
  const auto port = destination.port();
  const auto exact = keyOf(scope, destination.ip(), port);
  std::shared_lock<std::shared_mutex> lock(mutex_);
  auto found = frontends_.find(exact);
  if (found == frontends_.end()) found = frontends_.find(keyOf(scope, {}, port));
  return found == frontends_.end() ? nullptr : found->second;
}

SharedFrontend Table::get(const std::string& key) const {
  std::shared_lock<std::shared_mutex> lock(mutex_);
  const auto found = frontends_.find(key);
  return found == frontends_.end() ? nullptr : found->second;
}

SharedFrontend Table::getOrAdd(const std::string& key) {
  std::unique_lock<std::shared_mutex> lock(mutex_);
  auto& frontend = frontends_[key];
  if (!frontend) frontend = std::make_shared<Frontend>();
  return frontend;
}

void Table::remove(const std::string& key) {
  std::unique_lock<std::shared_mutex> lock(mutex_);
  frontends_.erase(key);
}

}  // namespace fairlead::sys::relay
