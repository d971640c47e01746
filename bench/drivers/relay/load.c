/*
 * The load of the relay's scenario: both ends of connections over TCP, each end one thread.
 *
 *   load serve ADDRESS PORT                            says "ready", and serves until its standard input ends
 *   load MODE ADDRESS PORT CONNECTIONS MILLISECONDS    one line of JSON
 *
 * Modes: "stream" receives as much as it can by each connection; "rr" sends a message and waits for the
 * answer, again and again; "crr" does that once a connection, and opens another.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE = 64, CHUNK = 256 * 1024, EVENTS = 64, MOST_CONNECTIONS = 4096, MOST_TIMES = 4000000 };

struct connection {
  int fd;
  char is_stream;
  int got;
  long long began;
};

static char chunk[CHUNK];
static struct connection connections[65536];
static struct epoll_event events[EVENTS];
static unsigned* times;
static long long count, bytes, failures;

static void die(const char* what) {
  perror(what);
  exit(1);
}

static long long now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static struct sockaddr_in address_of(const char* text, const char* port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  if (inet_pton(AF_INET, text, &address.sin_addr) != 1) die(text);
  return address;
}

static void watch(int epoll, int fd, unsigned what) {
  struct epoll_event event = {.events = what, .data.fd = fd};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
  connections[fd] = (struct connection){.fd = fd};
}

static void set_nodelay(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* --- the serving end --- */

static void take_all(int epoll, int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    watch(epoll, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
  }
}

static void serve_one(int fd) {
  struct connection* one = &connections[fd];
  for (;;) {
    ssize_t got = recv(fd, chunk, CHUNK, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
      close(fd);
      return;
    }
    if (got < 0) break;
    if (chunk[0] == 'S') one->is_stream = 1;
    one->got += got;
    for (; !one->is_stream && one->got >= MESSAGE; one->got -= MESSAGE) {
      if (send(fd, chunk, MESSAGE, MSG_NOSIGNAL) != MESSAGE) break;
    }
    if (got < CHUNK) break;
  }
  while (one->is_stream && send(fd, chunk, CHUNK, MSG_NOSIGNAL) > 0) {
  }
}

static int serve(const char* host, const char* port) {
  int epoll = epoll_create1(EPOLL_CLOEXEC), on = 1;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = address_of(host, port);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  set_nodelay(listener);
  if (bind(listener, (struct sockaddr*)&address, sizeof(address)) != 0) die("bind");
  if (listen(listener, 4096) != 0) die("listen");
  watch(epoll, listener, EPOLLIN);
  watch(epoll, STDIN_FILENO, EPOLLIN);
  puts("ready");
  fflush(stdout);
  for (;;) {
    int ready = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd == STDIN_FILENO) return 0;
      if (fd == listener)
        take_all(epoll, listener);
      else
        serve_one(fd);
    }
  }
}

/* --- the asking end --- */

static void ask(int fd) {
  memset(chunk, 'R', MESSAGE);
  connections[fd].got = 0;
  if (send(fd, chunk, MESSAGE, MSG_NOSIGNAL) != MESSAGE) failures++;
}

static void begin(int epoll, struct sockaddr_in* address, char mode) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  long long began = now_ns();
  set_nodelay(fd);
  if (connect(fd, (struct sockaddr*)address, sizeof(*address)) != 0 && errno != EINPROGRESS) die("connect");
  watch(epoll, fd, EPOLLOUT);
  connections[fd].began = began;
  connections[fd].is_stream = mode == 's';
}

static void connected(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  int code = 0;
  socklen_t size = sizeof(code);
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size);
  if (code != 0) {
    errno = code;
    die("connect");
  }
  epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event);
  if (connections[fd].is_stream) {
    if (send(fd, "S", 1, MSG_NOSIGNAL) != 1) failures++;
  } else {
    ask(fd);
  }
}

/* Returns whether the answer is whole. */
static int hear(int fd, char mode) {
  ssize_t got = recv(fd, chunk, CHUNK, 0);
  if (got <= 0) {
    if (got < 0 && errno == EAGAIN) return 0;
    failures++;
    connections[fd].got = MESSAGE;
    return 1;
  }
  bytes += got;
  connections[fd].got += got;
  return mode != 's' && connections[fd].got >= MESSAGE;
}

static int by_size(const void* a, const void* b) {
  unsigned x = *(const unsigned*)a, y = *(const unsigned*)b;
  return x < y ? -1 : x > y;
}

static int ask_all(char mode, const char* host, const char* port, int open, int milliseconds) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct sockaddr_in address = address_of(host, port);
  times = malloc(MOST_TIMES * sizeof(*times));
  for (int i = 0; i < open; i++) begin(epoll, &address, mode);
  long long from = now_ns(), until = from + milliseconds * 1000000LL, now = from;
  while (now < until) {
    int ready = epoll_wait(epoll, events, EVENTS, 100);
    now = now_ns();
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (events[i].events & EPOLLOUT) {
        connected(epoll, fd);
        if (mode == 'r') connections[fd].began = now;
        continue;
      }
      if (!hear(fd, mode)) continue;
      now = now_ns();
      if (count < MOST_TIMES) times[count] = (unsigned)((now - connections[fd].began) / 1000);
      count++;
      if (mode == 'c') {
        close(fd);
        begin(epoll, &address, mode);
      } else {
        connections[fd].began = now;
        ask(fd);
      }
    }
  }
  double seconds = (now - from) / 1e9;
  long long kept = count < MOST_TIMES ? count : MOST_TIMES;
  qsort(times, kept, sizeof(*times), by_size);
  printf("{\"seconds\":%.6f,\"count\":%lld,\"bytes\":%lld,\"failures\":%lld,\"p50\":%u,\"p99\":%u}\n",
         seconds, count, bytes, failures, kept ? times[kept / 2] : 0, kept ? times[kept * 99 / 100] : 0);
  return 0;
}

int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  if (argc == 4 && strcmp(argv[1], "serve") == 0) return serve(argv[2], argv[3]);
  if (argc != 6) {
    fputs("usage: load serve ADDRESS PORT | load stream|rr|crr ADDRESS PORT CONNECTIONS MILLISECONDS\n",
          stderr);
    return 2;
  }
  return ask_all(argv[1][0], argv[2], argv[3], atoi(argv[4]), atoi(argv[5]));
}
