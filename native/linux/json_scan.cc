#include "json_scan.h"

namespace fairlead::sys {

namespace {

bool isSpace(uint8_t byte) {
  return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

/** Of numbers, true, false and null. */
bool isOfLiteral(uint8_t byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         byte == '+' || byte == '-' || byte == '.';
}

std::string_view viewOf(const uint8_t* from, const uint8_t* end) {
  return {reinterpret_cast<const char*>(from), static_cast<std::size_t>(end - from)};
}

}  // namespace

int JsonScanner::next() {
  while (at_ < end_ && isSpace(*at_)) at_++;
  return at_ < end_ ? *at_ : nothing;
}

bool JsonScanner::pass(char expected) {
  if (next() != expected) return false;
  at_++;
  return true;
}

bool JsonScanner::name(std::string_view& name) {
  bool plain = true;
  return text(name, plain) && plain && pass(':');
}

bool JsonScanner::text(std::string_view& text, bool& plain) {
  if (next() != '"') return false;
  const uint8_t* from = at_ + 1;
  if (!skipText(plain)) return false;
  text = viewOf(from, at_ - 1);
  return true;
}

bool JsonScanner::skip() {
  const int first = next();
  bool plain = true;
  if (first == '"') return skipText(plain);
  if (first == '{' || first == '[') return skipNested();
  const uint8_t* from = at_;
  while (at_ < end_ && isOfLiteral(*at_)) at_++;
  return at_ > from;
}

bool JsonScanner::value(std::string_view& value) {
  next();
  const uint8_t* from = at_;
  if (!skip()) return false;
  value = viewOf(from, at_);
  return true;
}

/** @param plain told where there is an escape in it */
bool JsonScanner::skipText(bool& plain) {
  for (at_++; at_ < end_;) {
    const uint8_t byte = *at_++;
    if (byte == '"') return true;
    if (byte != '\\') continue;
    plain = false;
    if (at_ < end_) at_++;
  }
  return false;
}

bool JsonScanner::skipNested() {
  int64_t depth = 0;
  while (at_ < end_) {
    const uint8_t byte = *at_;
    bool plain = true;
    if (byte == '"') {
      if (!skipText(plain)) return false;
      continue;
    }
    at_++;
    if (byte == '{' || byte == '[') depth++;
    if ((byte == '}' || byte == ']') && --depth == 0) return true;
  }
  return false;
}

}  // namespace fairlead::sys
