#include "io.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

namespace fairlead::shim {

namespace {

int64_t nowMs() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

/// Waits until the descriptor is ready. @returns false with ETIMEDOUT, or poll's errno
bool waitFor(int fd, short events, const Deadline& deadline) {
  for (;;) {
    pollfd entry = {fd, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(deadline.leftMs()));
    if (ready > 0) return true;
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) errno = ETIMEDOUT;
    return false;
  }
}

bool isPassing(int error) {
  return error == EINTR || error == EAGAIN;
}

}  // namespace

Deadline::Deadline(int64_t milliseconds) : atMs_(nowMs() + milliseconds) {}

int64_t Deadline::leftMs() const {
  const int64_t left = atMs_ - nowMs();
  return left > 0 ? left : 0;
}

ReadEnd readAll(int fd, const Deadline& deadline, char* into, size_t room, size_t* length) {
  *length = 0;
  for (;;) {
    if (!waitFor(fd, POLLIN, deadline)) return errno == ETIMEDOUT ? ReadEnd::kTooLate : ReadEnd::kFailed;
    // One byte more than what fits tells that there is more.
    char beyond = 0;
    const bool full = *length == room;
    const ssize_t count = full ? ::read(fd, &beyond, 1) : ::read(fd, into + *length, room - *length);
    if (count == 0) return ReadEnd::kWhole;
    if (count < 0 && isPassing(errno)) continue;
    if (count < 0) return ReadEnd::kFailed;
    if (full) return ReadEnd::kTooLong;
    *length += static_cast<size_t>(count);
  }
}

int connectTo(const char* path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const size_t length = ::strlen(path);
  if (length >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  ::memcpy(address.sun_path, path, length);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  // net/unix/af_unix.c: connect() to a socket whose backlog is full waits for as long as a send may.
  const timeval patience = {5, 0};
  if (::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
      ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    return fd;
  }
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

bool sendAll(int fd, const Deadline& deadline, const char* bytes, size_t length) {
  for (size_t sent = 0; sent < length;) {
    if (!waitFor(fd, POLLOUT, deadline)) return false;
    const ssize_t count = ::send(fd, bytes + sent, length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && !isPassing(errno)) return false;
    if (count > 0) sent += static_cast<size_t>(count);
  }
  return true;
}

bool receiveAll(int fd, const Deadline& deadline, char* into, size_t length) {
  for (size_t received = 0; received < length;) {
    if (!waitFor(fd, POLLIN, deadline)) return false;
    const ssize_t count = ::recv(fd, into + received, length - received, MSG_DONTWAIT);
    if (count == 0) errno = ECONNRESET;
    if (count == 0 || (count < 0 && !isPassing(errno))) return false;
    if (count > 0) received += static_cast<size_t>(count);
  }
  return true;
}

bool writeAll(int fd, const char* bytes, size_t length) {
  for (size_t written = 0; written < length;) {
    const ssize_t count = ::write(fd, bytes + written, length - written);
    if (count < 0 && errno != EINTR) return false;
    if (count > 0) written += static_cast<size_t>(count);
  }
  return true;
}

}  // namespace fairlead::shim
