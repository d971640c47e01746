// Which fields of objects are wanted, and what a line says of each where an object is as most are.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace fairlead::sys {

/** Of a field, in the line of an object that is as most are (json_line.h). */
enum class LineUse {
  /** One that has it is not as most are; or the fields within it say. */
  within,
  /** Nothing, whatever it is. */
  any,
  /** Its text; of one that is not there, an empty one. */
  word,
  /** The text of an array that has no other. */
  one,
  /** The first text of an array. */
  first,
  /** A whole number. */
  number,
  /** Nothing, where it is what it usually is. */
  usual,
  /** A star in front, where it is this. */
  mark,
  /** A row of each object of an array. */
  each,
};

/** Fields that are wanted of an object, by name; of an array they are its items'. One without fields: all of
 * it. */
class WantedFields {
 public:
  WantedFields() = default;
  explicit WantedFields(std::string_view name) : name_(name) {}

  /**
   * @param path names of fields, each within the one before, with newlines between; then, behind a tab, what
   * a line says of the last: the name of a LineUse, and for usual and mark its JSON behind a space. Fields
   * within an `each` follow it
   * @returns whether it is one
   */
  bool add(std::string_view path) { return add(path, *this); }

  bool all() const { return fields_.empty(); }
  const std::string& name() const { return name_; }
  /** Null: it is not wanted. */
  const WantedFields* find(std::string_view name) const;

  LineUse use() const { return use_; }
  /** Of usual and mark. */
  const std::string& json() const { return json_; }
  /** Of what has a word: its place in the row. */
  std::size_t place() const { return place_; }
  /** Of a row's words, by place: whether it is not as most are without it. */
  const std::vector<bool>& row() const { return row_; }

 private:
  bool add(std::string_view path, WantedFields& row);
  bool setUse(std::string_view use, WantedFields& row);

  std::string name_;
  std::vector<WantedFields> fields_;
  LineUse use_ = LineUse::within;
  std::string json_;
  std::size_t place_ = 0;
  std::vector<bool> row_;
};

}  // namespace fairlead::sys
