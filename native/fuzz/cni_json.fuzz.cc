// libFuzzer's target: the CNI shim reads configurations that anybody may have written, before anybody checks
// them.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "../../cni/shim/json.h"

namespace {

using fairlead::shim::Field;

void require(bool holds) {
  if (!holds) std::abort();
}

void requireSound(const Field& field) {
  const std::size_t length = ::strnlen(field.text, sizeof field.text);
  require(length <= Field::kLongest);
  // As JSON it is at most six times as long, and nothing that ends a string is left in it.
  char escaped[6 * sizeof field.text];
  const std::size_t written = fairlead::shim::escapeJson(field.text, escaped, sizeof escaped);
  require(written <= 6 * length);
  for (std::size_t i = 0; i < written; i++) {
    require(escaped[i] >= 0x20);
    if (escaped[i] == '\\')
      i++;
    else
      require(escaped[i] != '"');
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  // An exact copy without an end: the sanitizer sees one byte too many.
  const std::unique_ptr<char[]> json(new char[size]);
  if (size > 0) std::memcpy(json.get(), data, size);
  fairlead::shim::Fields fields;
  fairlead::shim::readFields(json.get(), size, &fields);
  requireSound(fields.cniVersion);
  requireSound(fields.socket);
  requireSound(fields.standalone);
  return 0;
}
