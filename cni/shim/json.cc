#include "json.h"

#include <cstring>

namespace fairlead::shim {

namespace {

class Scanner {
 public:
  Scanner(const char* at, size_t length) : at_(at), end_(at + length) {}

  bool object(Fields* fields) {
    if (!take('{')) return false;
    if (take('}')) return atEnd();
    do {
      Field key;
      if (!string(&key) || !take(':') || !value(fieldNamed(fields, key))) return false;
    } while (take(','));
    return take('}') && atEnd();
  }

 private:
  static Field* fieldNamed(Fields* fields, const Field& key) {
    if (key.unusable) return nullptr;
    if (::strcmp(key.text, "cniVersion") == 0) return &fields->cniVersion;
    if (::strcmp(key.text, "socket") == 0) return &fields->socket;
    if (::strcmp(key.text, "standalone") == 0) return &fields->standalone;
    return nullptr;
  }

  /// The last of several counts, as for every parser of the other side.
  bool value(Field* wanted) {
    skipSpace();
    Field ignored;
    Field* field = wanted == nullptr ? &ignored : wanted;
    *field = Field();
    if (at_ == end_) return false;
    if (*at_ == '"') return string(field);
    return *at_ == '{' || *at_ == '[' ? nested() : word();
  }

  /// No recursion: how deep it goes is the writer's choice.
  bool nested() {
    size_t depth = 0;
    do {
      if (at_ == end_) return false;
      const char c = *at_;
      if (c == '"') {
        Field ignored;
        if (!string(&ignored)) return false;
        continue;
      }
      if (c == '{' || c == '[') depth++;
      if (c == '}' || c == ']') depth--;
      at_++;
    } while (depth > 0);
    return true;
  }

  /// A number, true, false or null.
  bool word() {
    const char* begin = at_;
    while (at_ != end_ && ::memchr("+-.", *at_, 3) != nullptr) at_++;
    while (at_ != end_ && (isAlphanumeric(*at_) || ::memchr("+-.", *at_, 3) != nullptr)) at_++;
    return at_ != begin;
  }

  bool string(Field* field) {
    if (!take('"')) return false;
    *field = Field();
    size_t length = 0;
    while (at_ != end_) {
      char c = *at_++;
      if (c == '"') return true;
      if (c == '\\' && !escape(&c, field)) return false;
      if (length == Field::kLongest || c == '\0') field->unusable = true;
      if (!field->unusable) field->text[length++] = c;
    }
    return false;
  }

  /// Of the escapes only those of characters that stand for themselves are decoded: no path needs the others.
  bool escape(char* c, Field* field) {
    if (at_ == end_) return false;
    *c = *at_++;
    if (*c != '"' && *c != '\\' && *c != '/') field->unusable = true;
    return true;
  }

  void skipSpace() {
    while (at_ != end_ && ::memchr(" \t\r\n", *at_, 4) != nullptr) at_++;
  }

  bool take(char wanted) {
    skipSpace();
    if (at_ == end_ || *at_ != wanted) return false;
    at_++;
    return true;
  }

  bool atEnd() {
    skipSpace();
    return at_ == end_;
  }

  static bool isAlphanumeric(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  }

  const char* at_;
  const char* end_;
};

}  // namespace

bool readFields(const char* json, size_t length, Fields* fields) {
  return Scanner(json, length).object(fields);
}

size_t escapeJson(const char* text, char* into, size_t room) {
  static const char kHex[] = "0123456789abcdef";
  size_t length = 0;
  for (; *text != '\0' && length + 6 <= room; text++) {
    const auto c = static_cast<unsigned char>(*text);
    if (c == '"' || c == '\\') into[length++] = '\\';
    if (c >= 0x20 && c < 0x7f) {
      into[length++] = *text;
      continue;
    }
    // Bytes that may be no UTF-8 are shown as if they were Latin-1.
    const char escaped[] = {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
    ::memcpy(into + length, escaped, sizeof escaped);
    length += sizeof escaped;
  }
  return length;
}

}  // namespace fairlead::shim
