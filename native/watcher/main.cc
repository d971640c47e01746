// fairlead-up: what `fairlead up` is while it has nothing to do. It runs the program behind its own words,
// passes signals on to it, and ends as that does, but where the program says that it may sleep: then nothing
// of it is kept in memory until one of the things that it noted is otherwise, or a signal comes. It decides
// nothing: what is to be done the program finds out itself, begun anew.
//
// How the two speak (src/up/asleep.ts): FAIRLEAD_WATCHER is this process's number and the descriptor that
// takes the notes; FAIRLEAD_WOKEN, for a program that is begun anew, says why: "change", "SIGINT" or
// "SIGTERM". Exit code 75: it may sleep.
//
// Static, without exceptions: half a megabyte instead of node's seventy.

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace fairlead::watcher {

namespace {

constexpr int kAsleep = 75;
constexpr int kCannotRun = 127;
constexpr int kKilled = 128;
constexpr int64_t kLookMs = 500;
// A program that fails whenever it is woken is woken later each time.
constexpr int64_t kFirstWaitMs = 1'000;
constexpr int64_t kMaxWaitMs = 60'000;
// Notes of a hundred nodes take a tenth of it.
constexpr size_t kMaxNotes = 1u << 20;

char notes[kMaxNotes];

/// Reads a small file whole. @returns its length, or -1
ssize_t ReadSmall(const char* path, char* to, size_t size) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  const ssize_t length = read(fd, to, size - 1);
  close(fd);
  if (length >= 0) to[length] = '\0';
  return length;
}

/// Whether the process runs that the file names by its number and its start (src/up/processes.ts:
/// identityOf).
bool Runs(const char* path) {
  char identity[64];
  if (ReadSmall(path, identity, sizeof identity) <= 0) return false;
  int pid = 0;
  unsigned long long started = 0;
  if (sscanf(identity, "%d %llu", &pid, &started) != 2) return false;
  char name[32];
  char text[1024];
  snprintf(name, sizeof name, "/proc/%d/stat", pid);
  if (ReadSmall(name, text, sizeof text) <= 0) return false;
  // proc_pid_stat(5): the second field is in parentheses and may have any byte; the third is the state, the
  // 22nd the start.
  const char* at = strrchr(text, ')');
  if (at == nullptr || at[1] != ' ' || at[2] == 'Z') return false;
  int field = 2;
  for (at++; *at != '\0'; at++) {
    if (*at == ' ' && ++field == 22) return strtoull(at + 1, nullptr, 10) == started;
  }
  return false;
}

/// Whether a file is there as it was noted: changed at that time, in ns, or "-" for not at all.
bool IsSame(const char* path, const char* noted) {
  struct stat found;
  if (stat(path, &found) != 0) return strcmp(noted, "-") == 0;
  char now[32];
  snprintf(now, sizeof now, "%lld",
           static_cast<long long>(found.st_mtim.tv_sec) * 1'000'000'000 + found.st_mtim.tv_nsec);
  return strcmp(noted, now) == 0;
}

bool IsAtMost(const char* path, const char* bytes) {
  struct stat found;
  return stat(path, &found) != 0 || found.st_size <= strtoll(bytes, nullptr, 10);
}

/// One note: "runs - PATH", "same TIME PATH", "at-most BYTES PATH". What is not understood does not hold.
bool Holds(char* line) {
  char* value = strchr(line, ' ');
  char* path = value == nullptr ? nullptr : strchr(value + 1, ' ');
  if (path == nullptr) return false;
  *value++ = '\0';
  *path++ = '\0';
  if (strcmp(line, "runs") == 0) return Runs(path);
  if (strcmp(line, "same") == 0) return IsSame(path, value);
  return strcmp(line, "at-most") == 0 && IsAtMost(path, value);
}

/// Whether all is as the program left it. Without notes nothing is.
bool IsAsNoted(int fd) {
  const ssize_t length = pread(fd, notes, sizeof notes - 1, 0);
  if (length <= 0) return false;
  notes[length] = '\0';
  char* rest = notes;
  while (char* line = strsep(&rest, "\n")) {
    if (*line != '\0' && !Holds(line)) return false;
  }
  return true;
}

const char* NameOf(int number) {
  return number == SIGINT ? "SIGINT" : "SIGTERM";
}

class Watcher {
 public:
  Watcher(char** words, int notes_fd) : words_(words), notes_fd_(notes_fd) {
    sigemptyset(&awaited_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&awaited_, number);
    sigprocmask(SIG_BLOCK, &awaited_, &before_);
  }

  /// @returns the exit code
  int Run() {
    Start(nullptr);
    int64_t wait_ms = kFirstWaitMs;
    for (;;) {
      const int code = AwaitEnd();
      const bool was_woken = is_woken_;
      if (ended_by_ == 0 && (code == kAsleep || (was_woken && code != 0))) {
        if (code == kAsleep) {
          wait_ms = kFirstWaitMs;
          Sleep();
        } else {
          // It could not even look: it is asked again, for somebody has to watch.
          Pause(wait_ms);
          wait_ms = wait_ms * 2 > kMaxWaitMs ? kMaxWaitMs : wait_ms * 2;
        }
        Start(ended_by_ == 0 ? "change" : NameOf(ended_by_));
      } else if (ended_by_ != 0 && !is_ending_ && IsUnheard(code)) {
        Start(NameOf(ended_by_));
      } else {
        return code;
      }
    }
  }

 private:
  /// The program went to sleep, or was not yet so far, when the signal came.
  bool IsUnheard(int code) const { return code == kAsleep || (is_woken_ && code == kKilled + ended_by_); }

  void Start(const char* woken) {
    if (ftruncate(notes_fd_, 0) != 0) exit(kCannotRun);
    lseek(notes_fd_, 0, SEEK_SET);
    is_woken_ = woken != nullptr;
    is_ending_ = ended_by_ != 0;
    child_ = fork();
    if (child_ < 0) exit(kCannotRun);
    if (child_ > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigprocmask(SIG_SETMASK, &before_, nullptr);
    if (woken != nullptr) {
      setenv("FAIRLEAD_WOKEN", woken, 1);
      // Of `up --detach`, which has ended long since.
      unsetenv("NODE_CHANNEL_FD");
    }
    execvp(words_[0], words_);
    perror(words_[0]);
    _exit(kCannotRun);
  }

  /// Passes on what comes meanwhile. @returns the program's exit code, as a shell would
  int AwaitEnd() {
    for (;;) {
      siginfo_t info;
      const int number = sigwaitinfo(&awaited_, &info);
      if (number == SIGCHLD) {
        int status = 0;
        if (Reap(&status)) return WIFEXITED(status) ? WEXITSTATUS(status) : kKilled + WTERMSIG(status);
      } else if (number == SIGINT || number == SIGTERM) {
        ended_by_ = number;
        // What a terminal sends goes to the program, too.
        if (info.si_code != SI_KERNEL) kill(child_, number);
      }
    }
  }

  /// Of the program, and of what it has started and left: that becomes this process's own. @returns whether
  /// the program ended
  bool Reap(int* status) {
    bool is_over = false;
    int one = 0;
    for (pid_t pid; (pid = waitpid(-1, &one, WNOHANG)) > 0;) {
      if (pid != child_) continue;
      is_over = true;
      *status = one;
    }
    return is_over;
  }

  /// Until something is not as it was noted, or a signal comes.
  void Sleep() {
    do Pause(kLookMs);
    while (ended_by_ == 0 && IsAsNoted(notes_fd_));
  }

  /// Shorter where a signal comes.
  void Pause(int64_t ms) {
    const timespec time = {ms / 1000, ms % 1000 * 1'000'000};
    int status = 0;
    const int number = sigtimedwait(&awaited_, nullptr, &time);
    if (number == SIGCHLD) Reap(&status);
    if (number == SIGINT || number == SIGTERM) ended_by_ = number;
  }

  char** words_;
  int notes_fd_;
  sigset_t awaited_;
  sigset_t before_;
  pid_t child_ = 0;
  bool is_woken_ = false;
  /// The program that runs was told to end everything when it was begun.
  bool is_ending_ = false;
  int ended_by_ = 0;
};

}  // namespace

int Main(char** words) {
  const int fd = memfd_create("fairlead-up", 0);
  if (fd < 0) {
    perror("memfd_create");
    return kCannotRun;
  }
  char self[64];
  snprintf(self, sizeof self, "%d %d", getpid(), fd);
  setenv("FAIRLEAD_WATCHER", self, 1);
  unsetenv("FAIRLEAD_WOKEN");
  // What the program starts and leaves is known here when it ends, at once, whatever the machine's first
  // process is.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  return Watcher(words, fd).Run();
}

}  // namespace fairlead::watcher

int main(int count, char** words) {
  if (count < 2) {
    fputs("fairlead-up: run by 'fairlead up'\n", stderr);
    return 2;
  }
  return fairlead::watcher::Main(words + 1);
}
