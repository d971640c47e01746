#pragma once
// The few fields of a network configuration that the shim itself needs.

#include <cstddef>

namespace fairlead::shim {

/// A string of the configuration, decoded and with its end. `text` is empty where the field lacks or is no
/// string.
struct Field {
  static constexpr size_t kLongest = 255;
  char text[kLongest + 1] = {};
  /// It is a string, but longer than fits, or has an escape that no path or version needs.
  bool unusable = false;
};

struct Fields {
  Field cniVersion;
  Field socket;
  Field standalone;
};

/// Reads the fields of the object's first level.
///
/// @returns false for what is no JSON object. What is refused here, no JSON parser takes; the opposite is not
/// so: it
///   is the agent that looks closely.
bool readFields(const char* json, size_t length, Fields* fields);

/// Writes `text` with what JSON wants escaped, as far as there is room. @returns the bytes written, no end
size_t escapeJson(const char* text, char* into, size_t room);

}  // namespace fairlead::shim
