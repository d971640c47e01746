#pragma once
// Reading and writing with an end: nothing here waits for ever.

#include <cstddef>
#include <cstdint>

namespace fairlead::shim {

/// A point in time that all steps of one thing share.
class Deadline {
 public:
  explicit Deadline(int64_t milliseconds);
  /// 0 when it has passed.
  int64_t leftMs() const;

 private:
  int64_t atMs_;
};

enum class ReadEnd { kWhole, kTooLong, kTooLate, kFailed };

/// Reads all of a descriptor. @param room bytes of `into`; what has more is kTooLong
ReadEnd readAll(int fd, const Deadline& deadline, char* into, size_t room, size_t* length);

/// A connected unix socket, or -1 with errno.
int connectTo(const char* path);

/// Sends all, or returns false with errno (ETIMEDOUT when time was up).
bool sendAll(int fd, const Deadline& deadline, const char* bytes, size_t length);

/// Receives exactly so much, or returns false with errno (ETIMEDOUT, ECONNRESET when the other end closed).
bool receiveAll(int fd, const Deadline& deadline, char* into, size_t length);

/// Writes all to a file or pipe.
bool writeAll(int fd, const char* bytes, size_t length);

}  // namespace fairlead::shim
