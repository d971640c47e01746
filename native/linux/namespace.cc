#include "namespace.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

namespace fairlead::sys {

namespace {

constexpr const char* kOwnNamespace = "/proc/self/ns/net";
constexpr const char* kThreadNamespace = "/proc/thread-self/ns/net";

Result<OpenedNamespace> describe(NamespaceFd fd, std::string_view subject) {
  // fs/nsfs.c: only nsfs files answer this ioctl. It tells a namespace from a file that was left behind
  // by a broken mount, and a network namespace from the others.
  if (!fd->isOpen()) return SysError::of(EBADF, "setns", subject);
  if (::ioctl(fd->get(), NS_GET_NSTYPE) != CLONE_NEWNET) return SysError::of(EINVAL, "ioctl", subject);
  struct stat info = {};
  if (::fstat(fd->get(), &info) != 0) return SysError::last("fstat", subject);
  return OpenedNamespace{std::move(fd), info.st_ino};
}

Result<OpenedNamespace> openPath(const std::string& path) {
  // O_NONBLOCK: a path that names a FIFO must be refused, not waited for.
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd.isOpen()) return SysError::last("open", path);
  return describe(std::make_shared<const Descriptor>(std::move(fd)), path);
}

}  // namespace

Result<OpenedNamespace> openNamespace(const NamespaceTarget& target) {
  if (target.open) return describe(target.open, "namespace handle");
  return openPath(target.path.empty() ? kOwnNamespace : target.path);
}

Result<OpenedNamespace> openThreadNamespace() {
  return openPath(kThreadNamespace);
}

Result<OpenedNamespace> createNamespace() {
  return onOwnThread<OpenedNamespace>([]() -> Result<OpenedNamespace> {
    if (::unshare(CLONE_NEWNET) != 0) return SysError::last("unshare");
    return openThreadNamespace();
  });
}

Status enterNamespace(const OpenedNamespace& space) {
  if (::setns(space.fd->get(), CLONE_NEWNET) != 0) return SysError::last("setns");
  return Done{};
}

}  // namespace fairlead::sys
