// libFuzzer's target: whatever a server sends is walked within its bytes, and what is picked of it is no
// longer.
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <memory>

#include "../linux/json_pick.h"

namespace {

// A line has so many spaces where nothing stands.
constexpr std::size_t kMostWords = 4;

void require(bool holds) {
  if (!holds) std::abort();
}

fairlead::sys::WantedFields wantedFields(std::initializer_list<const char*> paths) {
  fairlead::sys::WantedFields wanted;
  for (const auto* path : paths) require(wanted.add(path));
  return wanted;
}

void pick(const uint8_t* bytes, std::size_t size, const fairlead::sys::WantedFields& wanted) {
  const auto picked = fairlead::sys::pickJsonList(bytes, size, wanted);
  if (!picked.ok()) return;
  // Nothing but the lines' ends and the last line's brackets is not of the text.
  require(!picked.value().empty() && picked.value().back() == '}');
  require(picked.value().size() <= 2 * size + kMostWords * size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  static const auto wanted =
      wantedFields({"m\nv", "items\na", "items\nb\na", "items\nb\nc\na", "items\nlabel/name"});
  static const auto lines =
      wantedFields({"m\nv", "items\teach", "items\na\tword", "items\nb\teach", "items\nb\na\tnumber",
                    "items\nb\nb\tword", "items\nb\nc\tmark 1", "items\nc\nc\tone",
                    "items\nc\nd\tusual \"x\"", "items\nc\ne\tany", "items\nf\tfirst"});
  // An exact copy: the sanitizer sees one byte too many.
  const std::unique_ptr<uint8_t[]> bytes(new uint8_t[size]);
  if (size > 0) std::memcpy(bytes.get(), data, size);
  pick(bytes.get(), size, wanted);
  pick(bytes.get(), size, lines);
  return 0;
}
