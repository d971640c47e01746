/*
 * probe CLIENT_NETNS SERVER_NETNS ADDRESS PORT LISTEN_PORT PERIOD_US
 *
 * Serves LISTEN_PORT on every address of the one network namespace, where each connection is told the last
 * byte of the address that it reached, and connects from the other to ADDRESS and PORT each PERIOD_US.
 * Whenever the answer comes from another group of eight addresses than the one before, prints a line:
 * nanoseconds of CLOCK_MONOTONIC at which the connection was begun, and the last byte. Ends with its standard
 * input.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { group = 8 };

static int check(int result, const char* what) {
  if (result < 0) {
    fprintf(stderr, "probe: cannot %s: %s\n", what, strerror(errno));
    exit(1);
  }
  return result;
}

static void enter(const char* name) {
  char path[256];

  snprintf(path, sizeof(path), "/run/netns/%s", name);
  int fd = check(open(path, O_RDONLY | O_CLOEXEC), path);
  check(setns(fd, CLONE_NEWNET), path);
  close(fd);
}

static struct sockaddr_in address_of(const char* text, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

  if (inet_pton(AF_INET, text, &address.sin_addr) == 1) return address;
  fprintf(stderr, "probe: '%s' is no address\n", text);
  exit(1);
}

static void serve(const char* namespace, int port) {
  struct sockaddr_in any = address_of("0.0.0.0", port);
  int one = 1;

  enter(namespace);
  int listener = check(socket(AF_INET, SOCK_STREAM, 0), "make the listening socket");
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  check(bind(listener, (struct sockaddr*)&any, sizeof(any)), "bind the listening socket");
  check(listen(listener, 128), "listen");
  if (fork() != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (;;) {
    struct sockaddr_in reached;
    socklen_t length = sizeof(reached);
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) continue;
    getsockname(fd, (struct sockaddr*)&reached, &length);
    unsigned char last = ntohl(reached.sin_addr.s_addr) & 255;
    if (write(fd, &last, 1) < 0) perror("probe: write");
    close(fd);
  }
}

/* The last byte of the address that answered; -1: none did. */
static int ask(const struct sockaddr_in* target) {
  struct timeval bound = {.tv_usec = 200000};
  struct linger reset = {.l_onoff = 1};
  unsigned char last;

  int fd = check(socket(AF_INET, SOCK_STREAM, 0), "make a socket");
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound));
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
  int answer =
      connect(fd, (struct sockaddr*)target, sizeof(*target)) == 0 && read(fd, &last, 1) == 1 ? last : -1;
  /* No connection of the past stands in the way of a port that is used again. */
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  close(fd);
  return answer;
}

int main(int argc, char** argv) {
  if (argc != 7) {
    fprintf(stderr, "usage: probe CLIENT_NETNS SERVER_NETNS ADDRESS PORT LISTEN_PORT PERIOD_US\n");
    return 2;
  }
  struct sockaddr_in target = address_of(argv[3], atoi(argv[4]));
  long period_us = atol(argv[6]);
  struct pollfd input = {.fd = 0, .events = POLLIN};
  int before = -1;

  serve(argv[2], atoi(argv[5]));
  enter(argv[1]);
  setlinebuf(stdout);
  while (poll(&input, 1, 0) == 0) {
    struct timespec now, rest = {.tv_nsec = period_us * 1000};
    clock_gettime(CLOCK_MONOTONIC, &now);
    int answer = ask(&target);
    if (answer >= 0 && answer / group != before) {
      before = answer / group;
      printf("%lld %d\n", now.tv_sec * 1000000000LL + now.tv_nsec, answer);
    }
    nanosleep(&rest, NULL);
  }
  return 0;
}
