// Starting a child process with its standard streams piped, and never leaving it behind.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "descriptor.h"
#include "result.h"

namespace fairlead::sys {

struct SpawnRequest {
  std::vector<std::string> argv;
  std::vector<std::string> env;
  std::string search_path;  // PATH: where a program's name without a slash is looked up
  bool pipe_stdin = false;  // else /dev/null
};

/**
 * A running child that leads its own process group. It inherits the calling thread's network namespace.
 * Destruction order: the group is killed and the child reaped first (destructor), while the process id is
 * still ours; then pidfd and pipes close.
 */
class Child {
 public:
  static Result<Child> spawn(const SpawnRequest& request);

  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  /** Readable once the child has ended. */
  const Descriptor& pidfd() const { return pidfd_; }
  /** Our ends of the pipes, non-blocking. `in` is closed when there is no piped stdin. */
  Descriptor in, out, err;

  /** Kills the whole process group. What has left the group (setsid) is out of reach. */
  void kill();
  /** Waits for the end; the status as waitpid(2) gives it. Called once. */
  int reap();

 private:
  Child() = default;

  pid_t pid_ = -1;
  Descriptor pidfd_;
};

}  // namespace fairlead::sys
