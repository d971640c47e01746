/*
 * connections CLIENT_NETNS SERVER_NETNS ADDRESS PORT LISTEN_PORT CONNECTIONS BATCHES [CLOCK]
 *
 * Opens TCP connections one after the other from one network namespace to another, exchanges a byte each way,
 * closes them, and prints what a batch took by the processor's time stamp counter, divided by its
 * connections, as JSON; where CLOCK is "cpu", in nanoseconds of processor time, which others on the machine
 * do not add to.
 *
 * Both ends are in this one thread, so that nothing is scheduled between them and the count is the packet
 * path's and the sockets' alone. The server closes first: the client's port is free again and its next
 * connection searches none. Source ports are given, not chosen, because the kernel chooses at random.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

enum { first_port = 10000, last_port = 59999 };

static int check(int result, const char* what) {
  if (result < 0) {
    fprintf(stderr, "connections: cannot %s: %s\n", what, strerror(errno));
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

struct address {
  socklen_t length;
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  };
};

/* The port has the same place in both families. */
static struct address parse_address(const char* text, int port) {
  struct address address = {.length = sizeof(address.v4)};

  address.any.sa_family = AF_INET;
  address.v4.sin_port = htons(port);
  if (inet_pton(AF_INET, text, &address.v4.sin_addr) == 1) return address;
  address.length = sizeof(address.v6);
  address.any.sa_family = AF_INET6;
  if (inet_pton(AF_INET6, text, &address.v6.sin6_addr) == 1) return address;
  fprintf(stderr, "connections: '%s' is no address\n", text);
  exit(1);
}

/* Listens on every address of the family. */
static int listen_on(const char* namespace, int family, int port) {
  enter(namespace);
  struct address any = parse_address(family == AF_INET ? "0.0.0.0" : "::", port);
  int fd = check(socket(family, SOCK_STREAM, 0), "make the listening socket");

  check(bind(fd, &any.any, any.length), "bind the listening socket");
  check(listen(fd, 16), "listen");
  return fd;
}

static void pass_byte(int from, int to) {
  char byte = 'x';

  check(write(from, &byte, 1), "write");
  check(read(to, &byte, 1), "read");
}

static void connect_once(int listener, const struct address* target, int source_port) {
  struct address source = {.any.sa_family = target->any.sa_family};
  char end;

  source.v4.sin_port = htons(source_port);
  int client = check(socket(target->any.sa_family, SOCK_STREAM, 0), "make a socket");
  check(bind(client, &source.any, target->length), "bind to a source port");
  check(connect(client, &target->any, target->length), "connect");
  int server = check(accept(listener, NULL, NULL), "accept");

  pass_byte(client, server);
  pass_byte(server, client);
  close(server);
  check(read(client, &end, 1), "read the end");
  close(client);
}

/* Processor time is this thread's: packets of veth pairs are handled in whose call sends them. */
static unsigned long long now(int in_nanoseconds) {
  struct timespec time;

  if (!in_nanoseconds) return __rdtsc();
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

int main(int argc, char** argv) {
  if (argc != 8 && argc != 9) {
    fprintf(stderr,
            "usage: connections CLIENT_NETNS SERVER_NETNS ADDRESS PORT LISTEN_PORT CONNECTIONS BATCHES "
            "[CLOCK]\n");
    return 2;
  }
  int in_nanoseconds = argc == 9 && strcmp(argv[8], "cpu") == 0;
  struct address target = parse_address(argv[3], atoi(argv[4]));
  int connections = atoi(argv[6]), batches = atoi(argv[7]);
  int port = first_port;

  int listener = listen_on(argv[2], target.any.sa_family, atoi(argv[5]));
  enter(argv[1]);
  mlockall(MCL_CURRENT | MCL_FUTURE);
  /* The first batch, which resolves neighbours and fills caches, is not counted. */
  for (int batch = 0; batch <= batches; batch++) {
    unsigned long long before = now(in_nanoseconds);

    for (int i = 0; i < connections; i++) {
      connect_once(listener, &target, port);
      port = port == last_port ? first_port : port + 1;
    }
    unsigned long long spent = now(in_nanoseconds) - before;
    if (batch > 0) printf("%s%.1f", batch > 1 ? "," : "[", (double)spent / connections);
  }
  printf("]\n");
  return 0;
}
