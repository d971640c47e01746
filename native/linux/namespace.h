// Network namespaces: opening, making, and doing work inside one.
//
// setns(2) changes the calling thread only. Work in another namespace therefore gets a thread of its
// own that enters, works and dies: no thread ever returns to a shared pool from the wrong namespace.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>

#include "descriptor.h"
#include "result.h"

namespace fairlead::sys {

/** Shared, so that work in flight keeps the namespace when its JavaScript handle is closed meanwhile. */
using NamespaceFd = std::shared_ptr<const Descriptor>;

/** Which namespace work is for: an open one, else a path to open, else (both empty) the process's own. */
struct NamespaceTarget {
  NamespaceFd open;
  std::string path;

  bool isOwn() const { return !open && path.empty(); }
};

struct OpenedNamespace {
  NamespaceFd fd;
  uint64_t inode = 0;
};

/** The descriptor of an nsfs file of a network namespace; EINVAL for any other kind of file. */
Result<OpenedNamespace> openNamespace(const NamespaceTarget& target);

/** Makes a namespace that lives as long as the descriptor. */
Result<OpenedNamespace> createNamespace();

/** The namespace that the calling thread is in. */
Result<OpenedNamespace> openThreadNamespace();

Status enterNamespace(const OpenedNamespace& space);

/** Runs `work` on a thread that is made for it and dies with it. An exception of work's comes out here. */
template <typename T, typename Work>
Result<T> onOwnThread(Work&& work) {
  std::optional<Result<T>> result;
  std::exception_ptr thrown;
  try {
    std::thread([&] {
      try {
        result.emplace(work());
      } catch (...) {
        thrown = std::current_exception();
      }
    }).join();
  } catch (const std::system_error& error) {
    return SysError::of(error.code().value(), "pthread_create");
  }
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*result);
}

/** Runs `work` where `target` is the thread's namespace; directly, when that is the process's own. */
template <typename T, typename Work>
Result<T> inNamespace(const NamespaceTarget& target, Work&& work) {
  if (target.isOwn()) return work();
  auto space = openNamespace(target);
  if (!space.ok()) return std::move(space.error());
  return onOwnThread<T>([&]() -> Result<T> {
    auto entered = enterNamespace(space.value());
    if (!entered.ok()) return std::move(entered.error());
    return work();
  });
}

}  // namespace fairlead::sys
