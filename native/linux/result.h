// A failed system call as data, and a value that may be one. Nothing here throws.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace fairlead::sys {

/** What a failed system call reports; the JavaScript edge turns it into NativeError. */
struct SysError {
  int code = 0;         // positive errno
  std::string call;     // "setns", "sendmsg", …
  std::string subject;  // what it failed on; empty when there is nothing to name

  static SysError of(int code, std::string_view call, std::string_view subject = {}) {
    return SysError{code, std::string(call), std::string(subject)};
  }
  /** Reads errno before anything else can change it: pass views, not temporaries that allocate. */
  static SysError last(std::string_view call, std::string_view subject = {}) {
    const int code = errno;
    return of(code, call, subject);
  }
};

/** The value of a Result that has none. */
struct Done {};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  Result(SysError error) : state_(std::move(error)) {}

  bool ok() const { return std::holds_alternative<T>(state_); }
  T& value() { return std::get<T>(state_); }
  const T& value() const { return std::get<T>(state_); }
  SysError& error() { return std::get<SysError>(state_); }
  const SysError& error() const { return std::get<SysError>(state_); }

 private:
  std::variant<T, SysError> state_;
};

using Status = Result<Done>;

}  // namespace fairlead::sys
