#include "spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <string_view>

namespace fairlead::sys {

namespace {

struct Pipe {
  Descriptor read, write;
};

Result<Pipe> makePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return SysError::last("pipe2");
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

/** O_NONBLOCK is a property of one end: the child's stays blocking, as programs expect. */
Status makeNonBlocking(const Descriptor& end) {
  if (::fcntl(end.get(), F_SETFL, ::fcntl(end.get(), F_GETFL) | O_NONBLOCK) != 0)
    return SysError::last("fcntl");
  return Done{};
}

bool isProgram(const std::string& path) {
  struct stat info = {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

/** As execvp(3) looks a name up, in the PATH that was captured on the main thread: getenv races setenv. */
Result<std::string> findProgram(const std::string& name, const std::string& search_path) {
  if (name.find('/') != std::string::npos) return name;
  std::string_view rest = search_path;
  while (!name.empty() && !rest.empty()) {
    const auto colon = rest.find(':');
    const std::string_view directory = rest.substr(0, colon);
    const std::string path = (directory.empty() ? "." : std::string(directory)) + "/" + name;
    if (isProgram(path)) return path;
    rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
  }
  return SysError::of(ENOENT, "execvp", name);
}

std::vector<char*> pointersTo(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const auto& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/** posix_spawn's two option objects, destroyed together. */
class SpawnPlan {
 public:
  SpawnPlan() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
  }
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

/** Own process group, no signal blocked, none ignored (node ignores SIGPIPE, which exec would keep). */
void planSignals(posix_spawnattr_t& attributes) {
  sigset_t all;
  sigset_t none;
  ::sigfillset(&all);
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

/** glibc's posix_spawn is clone(CLONE_VM | CLONE_VFORK): no copy of node's page tables, and exec's errno. */
Result<pid_t> start(const SpawnRequest& request, int in, int out, int err) {
  auto program = findProgram(request.argv.front(), request.search_path);
  if (!program.ok()) return std::move(program.error());
  SpawnPlan plan;
  ::posix_spawn_file_actions_adddup2(&plan.actions, in, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&plan.actions, out, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&plan.actions, err, STDERR_FILENO);
  // Ours are all O_CLOEXEC; another add-on's need not be.
  ::posix_spawn_file_actions_addclosefrom_np(&plan.actions, STDERR_FILENO + 1);
  planSignals(plan.attributes);
  auto argv = pointersTo(request.argv);
  auto env = pointersTo(request.env);
  pid_t pid = -1;
  const int code =
      ::posix_spawn(&pid, program.value().c_str(), &plan.actions, &plan.attributes, argv.data(), env.data());
  if (code != 0) return SysError::of(code, "execvp", request.argv.front());
  return pid;
}

Result<Pipe> makeInput(bool piped) {
  if (piped) return makePipe();
  Descriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null.isOpen()) return SysError::last("open", "/dev/null");
  return Pipe{std::move(null), Descriptor()};
}

}  // namespace

Result<Child> Child::spawn(const SpawnRequest& request) {
  auto in = makeInput(request.pipe_stdin);
  if (!in.ok()) return std::move(in.error());
  auto out = makePipe();
  if (!out.ok()) return std::move(out.error());
  auto err = makePipe();
  if (!err.ok()) return std::move(err.error());
  Child child;
  child.in = std::move(in.value().write);
  child.out = std::move(out.value().read);
  child.err = std::move(err.value().read);
  for (const Descriptor* end : {&child.in, &child.out, &child.err}) {
    if (!end->isOpen()) continue;
    auto set = makeNonBlocking(*end);
    if (!set.ok()) return std::move(set.error());
  }
  auto pid = start(request, in.value().read.get(), out.value().write.get(), err.value().write.get());
  if (!pid.ok()) return std::move(pid.error());
  child.pid_ = pid.value();
  // No race: a child's id stays taken until its parent, which is us, reaps it.
  child.pidfd_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, child.pid_, 0)));
  if (!child.pidfd_.isOpen()) return SysError::last("pidfd_open");
  return child;
}

Child::Child(Child&& other) noexcept
    : in(std::move(other.in)),
      out(std::move(other.out)),
      err(std::move(other.err)),
      pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)) {}

Child::~Child() {
  if (pid_ < 0) return;
  kill();
  reap();
}

void Child::kill() {
  // The child made the group before exec, and posix_spawn returned after it. Its id is the child's, which
  // is still ours. The child itself may have moved to another group.
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
}

int Child::reap() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return status;
}

}  // namespace fairlead::sys
