// loopback: the plugin that containerd 1.6 calls for each pod before the network's own (go-cni's built-in
// network "cni-loopback"). It sets the namespace's lo up. `fairlead up` puts it beside fairlead-cni, so that
// no package of plugins is needed.

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

// Codes of the CNI specification.
constexpr int kInvalidEnvironment = 4;
constexpr int kIoFailure = 5;

int Fail(int code, const char* attempted) {
  printf(R"({"cniVersion":"0.3.1","code":%d,"msg":"cannot %s: %s"})", code, attempted, strerror(errno));
  return 1;
}

int SetUp(int socket) {
  ifreq request = {};
  strcpy(request.ifr_name, "lo");
  if (ioctl(socket, SIOCGIFFLAGS, &request)) return -1;
  request.ifr_flags |= IFF_UP;
  return ioctl(socket, SIOCSIFFLAGS, &request);
}

int Add(const char* netns) {
  int descriptor = open(netns, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return Fail(kIoFailure, "open the pod's network namespace");
  if (setns(descriptor, CLONE_NEWNET)) return Fail(kIoFailure, "enter the pod's network namespace");
  close(descriptor);
  int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0 || SetUp(socket)) return Fail(kIoFailure, "set lo up");
  close(socket);
  // Of version 0.3.1, which go-cni's configuration names (SPEC.md, "Result").
  printf(R"({"cniVersion":"0.3.1","interfaces":[{"name":"lo","mac":"00:00:00:00:00:00","sandbox":"%s"}],)"
         R"("ips":[{"version":"4","interface":0,"address":"127.0.0.1/8"}],"dns":{}})",
         netns);
  return 0;
}

}  // namespace

int main() {
  const char* command = getenv("CNI_COMMAND");
  const char* netns = getenv("CNI_NETNS");
  errno = EINVAL;
  if (!command) return Fail(kInvalidEnvironment, "tell the verb: CNI_COMMAND is not set");
  if (!strcmp(command, "VERSION")) {
    printf(R"({"cniVersion":"0.3.1","supportedVersions":["0.3.0","0.3.1"]})");
    return 0;
  }
  // The namespace goes, and its lo with it.
  if (strcmp(command, "ADD")) return 0;
  if (!netns || !*netns) return Fail(kInvalidEnvironment, "add: CNI_NETNS is not set");
  return Add(netns);
}
