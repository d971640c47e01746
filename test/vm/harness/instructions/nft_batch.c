/*
 * nft_batch FILE
 *
 * Sends FILE, messages of one nf_tables batch, to the kernel, and fails where the kernel refuses any of them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static long check(long result, const char* what) {
  if (result < 0) {
    fprintf(stderr, "nft_batch: cannot %s: %s\n", what, strerror(errno));
    exit(1);
  }
  return result;
}

int main(int argc, char** argv) {
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  char answer[8192];
  struct stat file;

  if (argc != 2) {
    fprintf(stderr, "usage: nft_batch FILE\n");
    return 2;
  }
  int input = check(open(argv[1], O_RDONLY), argv[1]);
  check(fstat(input, &file), argv[1]);
  char* batch = malloc(file.st_size);
  for (long at = 0; at < file.st_size;) at += check(read(input, batch + at, file.st_size - at), argv[1]);

  int fd = check(socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER), "open netlink");
  int size = file.st_size * 2 + (1 << 16);
  check(setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)), "make room for the batch");
  check(sendto(fd, batch, file.st_size, 0, (struct sockaddr*)&kernel, sizeof(kernel)), "send the batch");
  /* Errors are there when sendto(2) returns. */
  long length = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
  struct nlmsghdr* message = (struct nlmsghdr*)answer;
  for (; length > 0 && NLMSG_OK(message, length); message = NLMSG_NEXT(message, length)) {
    struct nlmsgerr* error = NLMSG_DATA(message);
    if (message->nlmsg_type != NLMSG_ERROR || error->error == 0) continue;
    fprintf(stderr, "nft_batch: message %u is refused: %s\n", message->nlmsg_seq, strerror(-error->error));
    return 1;
  }
  return 0;
}
