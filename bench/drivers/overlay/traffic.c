/*
 * traffic CLIENT_NETNS SERVER_NETNS ADDRESS PORT MILLISECONDS stream|rr|crr PROCESSORS
 *
 * Serves PORT in the one network namespace and talks to it from the other for a time: as many bytes as go
 * through one connection (stream), one byte there and one back over one connection (rr), or over a new
 * connection each (crr). Prints how many bytes or exchanges there were, the seconds that they took, and the
 * seconds of processor time that both ends used. Namespaces are given by paths. PROCESSORS: 1, both ends
 * share one; 2, each has its own.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { block = 256 << 10 };

static char buffer[block];

static long check(long result, const char* what) {
  if (result < 0) {
    fprintf(stderr, "traffic: cannot %s: %s\n", what, strerror(errno));
    exit(1);
  }
  return result;
}

static void enter(const char* path) {
  int fd = (int)check(open(path, O_RDONLY | O_CLOEXEC), path);
  check(setns(fd, CLONE_NEWNET), path);
  close(fd);
}

static int tcp(void) {
  int fd = (int)check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "make a socket");
  int one = 1;
  /* Nothing here takes long: who waits for longer has lost its packets. */
  struct timeval bound = {5, 0};
  check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), "set TCP_NODELAY");
  check(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound)), "set SO_RCVTIMEO");
  check(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound)), "set SO_SNDTIMEO");
  return fd;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void serve(struct sockaddr_in at, int streams, int ready) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int one = 1;
  int listener = tcp();
  check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), "set SO_REUSEADDR");
  check(bind(listener, (struct sockaddr*)&at, sizeof(at)), "bind");
  check(listen(listener, 128), "listen");
  check(write(ready, "r", 1), "say that it is ready");
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) continue;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    unsigned long long total = 0;
    ssize_t count;
    while ((count = read(fd, buffer, streams ? block : 1)) > 0) {
      total += (unsigned long long)count;
      if (!streams && write(fd, buffer, 1) != 1) break;
    }
    if (streams) check(write(fd, &total, sizeof(total)), "tell the total");
    close(fd);
  }
}

static int reach(const struct sockaddr_in* at) {
  int fd = tcp();
  check(connect(fd, (const struct sockaddr*)at, sizeof(*at)), "connect");
  return fd;
}

static void exchange(int fd) {
  check(write(fd, buffer, 1), "send");
  if (check(read(fd, buffer, 1), "receive") != 1) check(-1, "receive: the other end closed");
}

static unsigned long long stream(const struct sockaddr_in* at, double until) {
  int fd = reach(at);
  do check(write(fd, buffer, block), "send");
  while (now() < until);
  shutdown(fd, SHUT_WR);
  unsigned long long total = 0;
  check(read(fd, &total, sizeof(total)), "receive the total");
  close(fd);
  return total;
}

static unsigned long long exchanges(const struct sockaddr_in* at, double until) {
  unsigned long long count = 0;
  int fd = reach(at);
  do exchange(fd);
  while (++count, now() < until);
  close(fd);
  return count;
}

static unsigned long long connections(const struct sockaddr_in* at, double until) {
  unsigned long long count = 0;
  /* Closed by a reset: ports are free again at once. */
  struct linger reset = {1, 0};
  do {
    int fd = reach(at);
    exchange(fd);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(fd);
  } while (++count, now() < until);
  return count;
}

/** Processor time of a process, in seconds. */
static double processor(pid_t pid) {
  clockid_t clock;
  struct timespec time = {0, 0};
  if (clock_getcpuclockid(pid, &clock) == 0) clock_gettime(clock, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/** The scheduler would now let both ends share a processor and now not, which makes twice the difference. */
static void stay_on(int nth) {
  cpu_set_t allowed, one;
  check(sched_getaffinity(0, sizeof(allowed), &allowed), "read the affinity");
  CPU_ZERO(&one);
  for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (nth-- == 0) break;
  }
  check(sched_setaffinity(0, sizeof(one), &one), "stay on one processor");
}

static unsigned long long talk(const char* how, const struct sockaddr_in* at, double until) {
  if (strcmp(how, "stream") == 0) return stream(at, until);
  return strcmp(how, "rr") == 0 ? exchanges(at, until) : connections(at, until);
}

int main(int argc, char** argv) {
  if (argc != 8) {
    fprintf(stderr, "traffic CLIENT_NETNS SERVER_NETNS ADDRESS PORT MILLISECONDS stream|rr|crr PROCESSORS\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  /* Others who use the machine are not measured with it, as far as that can be. */
  setpriority(PRIO_PROCESS, 0, -20);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[4]))};
  inet_pton(AF_INET, argv[3], &at.sin_addr);
  int ready[2];
  check(pipe(ready), "make a pipe");
  pid_t child = (pid_t)check(fork(), "fork");
  if (child == 0) {
    stay_on(atoi(argv[7]) - 1);
    enter(argv[2]);
    serve(at, strcmp(argv[6], "stream") == 0, ready[1]);
  }
  close(ready[1]);
  stay_on(0);
  enter(argv[1]);
  if (read(ready[0], buffer, 1) != 1) return 1;
  /* The first packets wait for links that have just come up, and for neighbours. */
  talk(argv[6], &at, now() + 0.002);
  double began = now();
  double before = processor(getpid()) + processor(child);
  unsigned long long count = talk(argv[6], &at, began + atof(argv[5]) / 1e3);
  double took = now() - began;
  double used = processor(getpid()) + processor(child) - before;
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  printf("%llu %.9f %.9f\n", count, took, used);
  return 0;
}
