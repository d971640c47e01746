// The demonstration's application: an HTTP server that says who it is, and a client to ask it from inside of
// the cluster.
//
//   echo                      serves on $PORT (8080), until 2 s behind SIGTERM: whoever still has its address
//   is answered echo get HOST PORT [N]    asks N times, each on a connection of its own, and prints the
//   answers
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { most_connections = 512, request_bytes = 4096, grace_seconds = 2 };

struct connection {
  char request[request_bytes];
  size_t have;
};

static volatile sig_atomic_t is_ending;

static void end(int signal) {
  (void)signal;
  is_ending = 1;
}

static const char* setting(const char* name, const char* otherwise) {
  const char* value = getenv(name);
  return value && *value ? value : otherwise;
}

static int listening(int port) {
  int one = 1;
  int zero = 0;
  struct sockaddr_in6 at = {
      .sin6_family = AF_INET6, .sin6_port = htons((unsigned short)port), .sin6_addr = in6addr_any};
  int socket_v6 = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_v6 >= 0) {
    setsockopt(socket_v6, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(socket_v6, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
    if (!bind(socket_v6, (struct sockaddr*)&at, sizeof at) && !listen(socket_v6, 1024)) return socket_v6;
    close(socket_v6);
  }
  // A kernel without IPv6.
  struct sockaddr_in at_v4 = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  int socket_v4 = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(socket_v4, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(socket_v4, (struct sockaddr*)&at_v4, sizeof at_v4) || listen(socket_v4, 1024)) {
    perror("listen");
    exit(1);
  }
  return socket_v4;
}

// Returns whether the connection goes on.
static int answer(int client, const char* request) {
  char body[512];
  char head[256];
  int body_length = snprintf(body, sizeof body, "hello from %s, version %s\n", setting("HOSTNAME", "nobody"),
                             setting("VERSION", "none"));
  int keeps = !is_ending && !strstr(request, "HTTP/1.0") && !strcasestr(request, "connection: close");
  int head_length =
      snprintf(head, sizeof head,
               "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n",
               body_length, keeps ? "keep-alive" : "close");
  char all[sizeof head + sizeof body];
  memcpy(all, head, (size_t)head_length);
  memcpy(all + head_length, body, (size_t)body_length);
  printf("%.*s\n", (int)strcspn(request, "\r\n"), request);
  return send(client, all, (size_t)(head_length + body_length), MSG_NOSIGNAL) > 0 && keeps;
}

// Returns whether the connection goes on.
static int receive(int client, struct connection* connection) {
  ssize_t got = recv(client, connection->request + connection->have, request_bytes - 1 - connection->have, 0);
  if (got <= 0) return 0;
  connection->have += (size_t)got;
  connection->request[connection->have] = 0;
  char* over;
  while ((over = strstr(connection->request, "\r\n\r\n"))) {
    if (!answer(client, connection->request)) return 0;
    size_t used = (size_t)(over + 4 - connection->request);
    connection->have -= used;
    memmove(connection->request, over + 4, connection->have + 1);
  }
  return connection->have < request_bytes - 1;
}

static int serve(void) {
  static struct pollfd sockets[most_connections + 1];
  static struct connection connections[most_connections + 1];
  struct sigaction ending = {.sa_handler = end};
  sigaction(SIGTERM, &ending, NULL);
  sigaction(SIGINT, &ending, NULL);
  setlinebuf(stdout);
  sockets[0] = (struct pollfd){.fd = listening(atoi(setting("PORT", "8080"))), .events = POLLIN};
  int count = 1;
  time_t until = 0;
  printf("version %s serves\n", setting("VERSION", "none"));
  for (;;) {
    if (is_ending && !until) until = time(NULL) + grace_seconds;
    if (until && time(NULL) > until) return 0;
    sockets[0].events = count <= most_connections ? POLLIN : 0;
    if (poll(sockets, (nfds_t)count, until ? 100 : -1) < 0) continue;
    for (int i = count - 1; i > 0; i--) {
      if (!sockets[i].revents || receive(sockets[i].fd, &connections[i])) continue;
      close(sockets[i].fd);
      sockets[i] = sockets[--count];
      connections[i] = connections[count];
    }
    if (sockets[0].revents & POLLIN) {
      int client = accept4(sockets[0].fd, NULL, NULL, SOCK_CLOEXEC);
      if (client < 0) continue;
      sockets[count] = (struct pollfd){.fd = client, .events = POLLIN};
      connections[count++].have = 0;
    }
  }
}

static int get_once(const char* host, const char* port) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct addrinfo* found;
  int failure = getaddrinfo(host, port, &hints, &found);
  if (failure) return fprintf(stderr, "%s: %s\n", host, gai_strerror(failure)), 1;
  int server = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct timeval bound = {.tv_sec = 5};
  setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
  setsockopt(server, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
  int connected = connect(server, found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  if (connected) return perror(host), close(server), 1;
  dprintf(server, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host);
  char text[4096];
  size_t have = 0;
  ssize_t got;
  while ((got = recv(server, text + have, sizeof text - 1 - have, 0)) > 0) have += (size_t)got;
  close(server);
  text[have] = 0;
  char* body = strstr(text, "\r\n\r\n");
  if (!body) return fprintf(stderr, "%s: no answer\n", host), 1;
  fputs(body + 4, stdout);
  return 0;
}

int main(int count, char** words) {
  if (count < 2) return serve();
  if (strcmp(words[1], "get") || count < 4) return fprintf(stderr, "usage: echo [get HOST PORT [N]]\n"), 2;
  int times = count > 4 ? atoi(words[4]) : 1;
  int status = 0;
  while (times-- > 0) status |= get_once(words[2], words[3]);
  return status;
}
