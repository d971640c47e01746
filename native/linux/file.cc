#include "file.h"

#include <fcntl.h>

namespace fairlead::sys {

namespace {

constexpr std::size_t kMostFileBytes = 64 * 1024;

ssize_t readRetrying(int fd, uint8_t* into, std::size_t size) {
  ssize_t count = 0;
  do {
    count = ::read(fd, into, size);
  } while (count < 0 && errno == EINTR);
  return count;
}

Result<std::vector<uint8_t>> readHere(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.isOpen()) return SysError::last("open", path);
  std::vector<uint8_t> content(kMostFileBytes + 1);
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t count = readRetrying(file.get(), content.data() + size, content.size() - size);
    if (count < 0) return SysError::last("read", path);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > kMostFileBytes) return SysError::of(EFBIG, "read", path);
  content.resize(size);
  return content;
}

Status writeHere(const std::string& path, const std::vector<uint8_t>& data) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.isOpen()) return SysError::last("open", path);
  ssize_t written = 0;
  do {
    written = ::write(file.get(), data.data(), data.size());
  } while (written < 0 && errno == EINTR);
  if (written < 0) return SysError::last("write", path);
  // A sysctl takes one write as one value: a second one would set another.
  if (static_cast<std::size_t>(written) != data.size()) return SysError::of(EIO, "write", path);
  return Done{};
}

}  // namespace

Result<std::vector<uint8_t>> readFile(const FileRequest& request) {
  return inNamespace<std::vector<uint8_t>>(request.target, [&] { return readHere(request.path); });
}

Status writeFile(const FileRequest& request) {
  return inNamespace<Done>(request.target, [&] { return writeHere(request.path, request.data); });
}

}  // namespace fairlead::sys
