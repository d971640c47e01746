// An object that is as most are, as a line of words: what JSON takes to say that it is, nobody needs to read
// again.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "json_scan.h"
#include "json_wanted.h"

namespace fairlead::sys {

class LineWriter {
 public:
  /** @param wanted of the object, with what a line says of each */
  explicit LineWriter(const WantedFields& wanted) : wanted_(wanted) {}

  /** Whether lines are wanted at all. */
  bool isWanted() const { return !wanted_.row().empty(); }

  /**
   * Appends the object's words, in the order in which its fields were named, with spaces between: rows of an
   * array have commas between, and their words slashes. Words are of ASCII letters, digits, "_", ".", ":",
   * "+" and "-" alone.
   *
   * @returns whether it is as most are; where it is not, nobody knows where the scanner stands, nor what was
   * appended
   */
  bool write(JsonScanner& scan, std::string& out);

 private:
  struct Word {
    std::string text;
    bool is_there = false;
  };
  struct Row {
    std::vector<Word> words;
    bool is_marked = false;

    void clear(std::size_t count);
    bool add(std::size_t place, std::string_view text);
    /** Whether nothing lacks. */
    bool isWhole(const std::vector<bool>& required) const;
  };

  bool object(const WantedFields& wanted, Row& row);
  bool field(const WantedFields& field, Row& row);
  bool word(const WantedFields& field, Row& row);
  bool texts(const WantedFields& field, Row& row);
  bool number(const WantedFields& field, Row& row);
  bool rows(const WantedFields& field, Row& row);

  const WantedFields& wanted_;
  /** While an object is written. */
  JsonScanner* scan_ = nullptr;
  /** Of the object, and of an array's object within it. */
  Row row_;
  Row inner_;
};

}  // namespace fairlead::sys
