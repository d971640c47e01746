// fairlead-cni: what a container runtime calls. It hands its environment and standard input to the node agent
// over a unix socket and prints what the agent answers. It decides nothing but what to say where there is no
// agent.
//
// Static, without exceptions, memory management or libstdc++: it runs on any host of its architecture. The
// wire is described in ../wire.ts.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "io.h"
#include "json.h"

namespace fairlead::shim {

namespace {

constexpr const char* kNewestVersion = "1.1.0";
constexpr const char* kSupportedVersions = R"(["0.3.1","0.4.0","1.0.0","1.1.0"])";
constexpr const char* kDefaultSocket = "/run/fairlead/cni.sock";
constexpr const char* kVariables[] = {"CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS",
                                      "CNI_IFNAME",  "CNI_ARGS",        "CNI_PATH"};
constexpr const char* kVerbs[] = {"ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"};

constexpr int64_t kStdinMs = 5'000;
constexpr int64_t kSendMs = 10'000;
// The agent answers by itself after 50 s.
constexpr int64_t kAnswerMs = 60'000;
constexpr int64_t kLockMs = 60'000;

constexpr size_t kMaxStdin = 4u << 20;
constexpr size_t kMaxEnvironment = 6u * (128u << 10);
constexpr size_t kMaxAnswer = 8u << 20;
constexpr size_t kHeader = 12;

// Never touched pages cost nothing: this takes the place of malloc.
char request[kHeader + kMaxEnvironment + kMaxStdin];
char answer[kMaxAnswer];
char* const environment = request + kHeader;

/// The codes of the specification that are said here.
enum Code {
  kInvalidEnvironment = 4,
  kIoFailure = 5,
  kDecodingFailure = 6,
  kInvalidConfig = 7,
  kTryAgain = 11,
  kNotAvailable = 50
};

/// Text of bounded length.
class Text {
 public:
  Text& add(const char* part) {
    const size_t length = ::strnlen(part, sizeof text_ - length_);
    ::memcpy(text_ + length_, part, length);
    length_ += length;
    return *this;
  }
  Text& addEscaped(const char* part) {
    length_ += escapeJson(part, text_ + length_, sizeof text_ - length_);
    return *this;
  }
  Text& addNumber(unsigned number) {
    char digits[12] = {};
    char* at = digits + sizeof digits - 1;
    do {
      *--at = static_cast<char>('0' + number % 10);
    } while ((number /= 10) > 0);
    return add(at);
  }
  bool print(int fd) const { return writeAll(fd, text_, length_); }

 private:
  char text_[4096];
  size_t length_ = 0;
};

/// The configuration's version for an answer, where it could be one.
const char* answeredVersion(const Fields& fields) {
  const char* version = fields.cniVersion.text;
  const bool plain = ::strspn(version, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-") ==
                     ::strlen(version);
  return plain && *version != '\0' && !fields.cniVersion.unusable ? version : kNewestVersion;
}

int fail(const Fields& fields, Code code, const char* message, const char* subject = "", int error = 0) {
  Text text;
  text.add(R"({"cniVersion":")").addEscaped(answeredVersion(fields)).add(R"(","code":)").addNumber(code);
  text.add(R"(,"msg":")").addEscaped(message).addEscaped(subject);
  if (error != 0)
    text.add(R"(","details":"errno )")
        .addNumber(static_cast<unsigned>(error))
        .add(": ")
        .addEscaped(::strerrordesc_np(error) ? ::strerrordesc_np(error) : "");
  text.add("\"}\n").print(STDOUT_FILENO);
  return 1;
}

const char* variable(const char* name) {
  const char* value = ::getenv(name);
  return value == nullptr ? "" : value;
}

bool isVerb(const char* name, const char* verb) {
  return ::strcmp(name, verb) == 0;
}

int sayVersion(const Fields& fields) {
  Text text;
  text.add(R"({"cniVersion":")").addEscaped(answeredVersion(fields));
  text.add(R"(","supportedVersions":)").add(kSupportedVersions).add("}\n");
  return text.print(STDOUT_FILENO) ? 0 : 1;
}

/// No agent: ADD, DEL, CHECK and GC may be tried later, and STATUS says what it is asked.
int agentAway(const Fields& fields, const char* message, const char* socket, int error) {
  const bool isStatus = isVerb(variable("CNI_COMMAND"), "STATUS");
  return fail(fields, isStatus ? kNotAvailable : kTryAgain, message, socket, error);
}

// ---- through the agent

void writeNumber(char* at, size_t number) {
  for (int i = 0; i < 4; i++) at[i] = static_cast<char>(number >> (8 * i) & 255);
}

size_t readNumber(const char* at) {
  size_t number = 0;
  for (int i = 3; i >= 0; i--) number = number << 8 | static_cast<unsigned char>(at[i]);
  return number;
}

/// NAME=VALUE\0…  @returns 0 when they do not fit
size_t gatherEnvironment() {
  size_t length = 0;
  for (const char* name : kVariables) {
    const char* value = ::getenv(name);
    if (value == nullptr) continue;
    const size_t nameLength = ::strlen(name);
    const size_t valueLength = ::strlen(value);
    if (length + nameLength + valueLength + 2 > kMaxEnvironment) return 0;
    ::memcpy(environment + length, name, nameLength);
    environment[length + nameLength] = '=';
    ::memcpy(environment + length + nameLength + 1, value, valueLength + 1);
    length += nameLength + valueLength + 2;
  }
  return length;
}

/// @param input the configuration, `inputLength` bytes
int askAgent(const Fields& fields, const char* input, size_t inputLength, size_t environmentLength) {
  const char* path = *fields.socket.text == '\0' ? kDefaultSocket : fields.socket.text;
  const int fd = connectTo(path);
  if (fd < 0) return agentAway(fields, "the node agent does not listen on ", path, errno);
  ::memcpy(request, "FLC1", 4);
  writeNumber(request + 4, environmentLength);
  writeNumber(request + 8, inputLength);
  const Deadline sending(kSendMs);
  if (!sendAll(fd, sending, request, kHeader + environmentLength) ||
      !sendAll(fd, sending, input, inputLength)) {
    return agentAway(fields, "the node agent does not take the request on ", path, errno);
  }
  const Deadline answering(kAnswerMs);
  char header[kHeader];
  if (!receiveAll(fd, answering, header, sizeof header)) {
    return agentAway(fields, "the node agent did not answer on ", path, errno);
  }
  const size_t length = readNumber(header + 8);
  if (::memcmp(header, "FLC1", 4) != 0 || length > sizeof answer) {
    return fail(fields, kIoFailure, "what answers is no node agent of this version: ", path);
  }
  if (!receiveAll(fd, answering, answer, length)) {
    return agentAway(fields, "the node agent broke its answer off on ", path, errno);
  }
  if (!writeAll(STDOUT_FILENO, answer, length)) return 1;
  return readNumber(header + 4) == 0 ? 0 : 1;
}

// ---- without an agent

/// One plugin at a time: the lock is the next program's too, and goes when that ends. @returns 0, or the
/// errno
int lockFor(const char* socket) {
  char path[Field::kLongest + 8] = {};
  ::strcpy(path, socket);
  if (char* slash = ::strrchr(path, '/'); slash != nullptr && slash != path) {
    *slash = '\0';
    ::mkdir(path, 0700);
    *slash = '/';
  }
  ::strcat(path, ".lock");
  const int fd = ::open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
  if (fd < 0) return errno;
  const Deadline deadline(kLockMs);
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return errno;
    if (deadline.leftMs() == 0) return ETIMEDOUT;
    const timespec pause = {0, 5'000'000};
    ::nanosleep(&pause, nullptr);
  }
  return 0;
}

/// Runs the program that the configuration names in this one's place, with the same environment and input.
int standAlone(const Fields& fields, const char* input, size_t inputLength) {
  const char* program = fields.standalone.text;
  if (*program != '/') return fail(fields, kInvalidConfig, "standalone: not an absolute path: ", program);
  if (!isVerb(variable("CNI_COMMAND"), "STATUS")) {
    const char* socket = *fields.socket.text == '\0' ? kDefaultSocket : fields.socket.text;
    if (const int error = lockFor(socket); error == ETIMEDOUT) {
      return fail(fields, kTryAgain, "others are at work for a minute: ", socket, error);
    } else if (error != 0) {
      return fail(fields, kIoFailure, "cannot lock beside ", socket, error);
    }
  }
  const int fd = ::memfd_create("network configuration", 0);
  if (fd < 0 || !writeAll(fd, input, inputLength) || ::lseek(fd, 0, SEEK_SET) != 0 ||
      ::dup2(fd, STDIN_FILENO) < 0) {
    return fail(fields, kIoFailure, "cannot pass the network configuration on", "", errno);
  }
  ::close(fd);
  char* const arguments[] = {const_cast<char*>(program), nullptr};
  ::execv(program, arguments);
  return fail(fields, kIoFailure, "standalone: cannot run ", program, errno);
}

int run() {
  Fields fields;
  const char* verb = variable("CNI_COMMAND");
  bool known = false;
  for (const char* name : kVerbs) known = known || isVerb(verb, name);
  if (!known) {
    static constexpr char kAbout[] = "fairlead-cni: a CNI plugin, for container runtimes to run\n";
    if (*verb == '\0') writeAll(STDERR_FILENO, kAbout, sizeof kAbout - 1);
    return fail(fields, kInvalidEnvironment,
                "invalid environment variables: CNI_COMMAND: none of ADD, DEL, CHECK, GC, STATUS, VERSION");
  }

  const size_t environmentLength = gatherEnvironment();
  if (environmentLength == 0)
    return fail(fields, kInvalidEnvironment, "invalid environment variables: CNI_ARGS, CNI_PATH: too long");
  char* const input = environment + environmentLength;
  size_t inputLength = 0;
  const ReadEnd end = readAll(STDIN_FILENO, Deadline(kStdinMs), input, kMaxStdin, &inputLength);
  const bool isObject = end == ReadEnd::kWhole && readFields(input, inputLength, &fields);
  if (isVerb(verb, "VERSION")) return sayVersion(fields);
  if (end == ReadEnd::kTooLong)
    return fail(fields, kIoFailure, "the network configuration has more than 4 MiB");
  if (end == ReadEnd::kTooLate) return fail(fields, kIoFailure, "standard input did not end within 5 s");
  if (end == ReadEnd::kFailed)
    return fail(fields, kIoFailure, "cannot read the network configuration", "", errno);
  if (!isObject) return fail(fields, kDecodingFailure, "the network configuration is not a JSON object");
  if (fields.socket.unusable) return fail(fields, kInvalidConfig, "socket: not a path of a socket");
  if (fields.standalone.unusable) return fail(fields, kInvalidConfig, "standalone: not a path of a program");
  if (*fields.standalone.text != '\0') return standAlone(fields, input, inputLength);
  return askAgent(fields, input, inputLength, environmentLength);
}

}  // namespace

}  // namespace fairlead::shim

int main() {
  return fairlead::shim::run();
}
