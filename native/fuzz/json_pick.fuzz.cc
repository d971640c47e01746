// libFuzzer's target: whatever a server sends is walked within its bytes, and what is picked of it is no
// longer.
#include <cstdlib>
#include <cstring>
#include <memory>

#include "../linux/json_pick.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

fairlead::sys::WantedFields wantedFields() {
  fairlead::sys::WantedFields wanted;
  for (const auto* path : {"m\nv", "items\na", "items\nb\na", "items\nb\nc\na", "items\nlabel/name"})
    wanted.add(path);
  return wanted;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  static const auto wanted = wantedFields();
  // An exact copy: the sanitizer sees one byte too many.
  const std::unique_ptr<uint8_t[]> bytes(new uint8_t[size]);
  if (size > 0) std::memcpy(bytes.get(), data, size);
  const auto picked = fairlead::sys::pickJsonList(bytes.get(), size, wanted);
  if (!picked.ok()) return 0;
  // Nothing but the lines' ends and the last line's brackets is not of the text.
  require(!picked.value().empty() && picked.value().back() == '}');
  require(picked.value().size() <= 2 * size);
  return 0;
}
