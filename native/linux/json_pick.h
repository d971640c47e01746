// Some fields of the items of a JSON list, picked out of its text: what else there is is stepped over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "result.h"

namespace fairlead::sys {

/** Fields that are wanted of an object, by name; of an array they are its items'. One without fields: all of
 * it. */
class WantedFields {
 public:
  WantedFields() = default;
  explicit WantedFields(std::string_view name) : name_(name) {}

  /** @param path names of fields, each within the one before, with newlines between */
  void add(std::string_view path);

  bool all() const { return fields_.empty(); }
  const std::string& name() const { return name_; }
  /** Null: it is not wanted. */
  const WantedFields* find(const uint8_t* name, std::size_t length) const;

 private:
  std::string name_;
  std::vector<WantedFields> fields_;
};

/**
 * The items of an object's "items", a line each, and then, as the last line, the object's other fields: with
 * those that are wanted alone. A line is JSON, as far as what was copied there was.
 *
 * EINVAL: it is no JSON object, or not of the plain kind (a name with an escape, a line's end within a
 * value).
 */
Result<std::string> pickJsonList(const uint8_t* bytes, std::size_t size, const WantedFields& wanted);

}  // namespace fairlead::sys
