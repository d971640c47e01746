// Walks a JSON text byte by byte, and makes nothing of it: what is not wanted is stepped over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fairlead::sys {

/** Every step returns whether there was what it looks for; where it was not, all is over. */
class JsonScanner {
 public:
  static constexpr int nothing = -1;

  JsonScanner(const uint8_t* bytes, std::size_t size) : at_(bytes), end_(bytes + size) {}

  const uint8_t* at() const { return at_; }
  /** @param at where it stood before */
  void goBack(const uint8_t* at) { at_ = at; }

  /** The next byte that is no white space, which stays. */
  int next();

  bool pass(char expected);

  /** What stands between two brackets, with commas between. */
  template <typename Member>
  bool members(char open, char close, Member member) {
    if (!pass(open)) return false;
    if (next() == close) return pass(close);
    do {
      if (!member()) return false;
    } while (pass(','));
    return pass(close);
  }

  /** A field's name without an escape, and what stands before its value. */
  bool name(std::string_view& name);

  /** A text. @param text what stands between its quotes @param plain told where there is an escape in it */
  bool text(std::string_view& text, bool& plain);

  /** Any value. */
  bool skip();

  /** Any value. @param value its bytes */
  bool value(std::string_view& value);

 private:
  bool skipText(bool& plain);
  bool skipNested();

  const uint8_t* at_;
  const uint8_t* const end_;
};

}  // namespace fairlead::sys
