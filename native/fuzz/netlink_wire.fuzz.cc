// libFuzzer's target: any bytes may come from a netlink socket; walking them must never leave them.
#include <cstdlib>
#include <cstring>
#include <memory>

#include "../linux/netlink_wire.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  // An exact copy, at an odd address: the sanitizer sees one byte too many, and a read that assumes
  // alignment.
  const std::unique_ptr<uint8_t[]> bytes(new uint8_t[size + 1]);
  if (size > 0) std::memcpy(bytes.get() + 1, data, size);
  const auto summary = fairlead::sys::summarize(bytes.get() + 1, size);
  require(summary.terminators <= summary.messages);
  require(summary.messages <= size / fairlead::sys::kNetlinkHeaderBytes);
  require(size != 0 || (summary.complete && summary.messages == 0));
  return 0;
}
