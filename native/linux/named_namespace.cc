#include "named_namespace.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace fairlead::sys {

namespace {

std::string parentOf(const std::string& path) {
  const auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/**
 * Makes `directory` a shared mount point: then a namespace that is unmounted here goes away in every
 * mount namespace, and does not live on in the copies that containers were started with.
 */
Status shareDirectory(const std::string& directory) {
  if (::mount("", directory.c_str(), "none", MS_SHARED | MS_REC, nullptr) == 0) return Done{};
  // EINVAL: it is not a mount point yet.
  if (errno != EINVAL) return SysError::last("mount", directory);
  if (::mount(directory.c_str(), directory.c_str(), "none", MS_BIND | MS_REC, nullptr) != 0 ||
      ::mount("", directory.c_str(), "none", MS_SHARED | MS_REC, nullptr) != 0) {
    return SysError::last("mount", directory);
  }
  return Done{};
}

Status prepareDirectory(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) return SysError::last("mkdir", directory);
  Descriptor lock(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!lock.isOpen()) return SysError::last("open", directory);
  // As iproute2: without the lock, two who come at once would each mount the directory on itself.
  // Closing releases it.
  if (::flock(lock.get(), LOCK_EX) != 0) return SysError::last("flock", directory);
  return shareDirectory(directory);
}

/** The file at the path; it removes what was made there, unless told to keep it. */
class MountPoint {
 public:
  explicit MountPoint(const std::string& path) : path_(path) {}
  MountPoint(const MountPoint&) = delete;
  MountPoint& operator=(const MountPoint&) = delete;
  ~MountPoint() {
    if (kept_) return;
    ::umount2(path_.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
    ::unlink(path_.c_str());
  }
  void keep() { kept_ = true; }

 private:
  const std::string& path_;
  bool kept_ = false;
};

Result<OpenedNamespace> mountNewNamespace(const std::string& path) {
  if (::unshare(CLONE_NEWNET) != 0) return SysError::last("unshare");
  auto space = openThreadNamespace();
  if (!space.ok()) return space;
  // thread-self, not self: this thread alone is in the new namespace.
  if (::mount("/proc/thread-self/ns/net", path.c_str(), "none", MS_BIND, nullptr) != 0) {
    return SysError::last("mount", path);
  }
  return space;
}

bool isNamespaceMount(const std::string& path) {
  struct statfs info = {};
  return ::statfs(path.c_str(), &info) == 0 && info.f_type == NSFS_MAGIC;
}

/** What is left when a creator was killed between making the file and mounting on it: empty, of mode 0. */
bool isUnusedMountPoint(const std::string& path) {
  struct stat info = {};
  return ::lstat(path.c_str(), &info) == 0 && info.st_mode == S_IFREG && info.st_size == 0;
}

}  // namespace

Result<OpenedNamespace> createNamedNamespace(const std::string& path) {
  auto prepared = prepareDirectory(parentOf(path));
  if (!prepared.ok()) return std::move(prepared.error());
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0));
  if (!file.isOpen()) return SysError::last("open", path);
  file.reset();
  MountPoint point(path);
  auto space = onOwnThread<OpenedNamespace>([&] { return mountNewNamespace(path); });
  if (space.ok()) point.keep();
  return space;
}

Status deleteNamedNamespace(const std::string& path) {
  if (isNamespaceMount(path)) {
    if (::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0) return SysError::last("umount2", path);
  } else if (!isUnusedMountPoint(path)) {
    const int code = ::access(path.c_str(), F_OK) == 0 ? EINVAL : errno;
    return SysError::of(code, "umount2", path);
  }
  if (::unlink(path.c_str()) != 0) return SysError::last("unlink", path);
  return Done{};
}

}  // namespace fairlead::sys
