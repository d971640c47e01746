#include "json_pick.h"

#include <cstring>

namespace fairlead::sys {

namespace {

// Arrays within arrays are read by recursion, and bytes of others decide on their number.
constexpr int kMostArrays = 16;
// What is picked of the API's lists is a third of them at the most.
constexpr std::size_t kPickedPart = 3;
constexpr std::string_view kItems = "items";

bool isSpace(uint8_t byte) {
  return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

/** Of numbers, true, false and null. */
bool isOfLiteral(uint8_t byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         byte == '+' || byte == '-' || byte == '.';
}

/** Every step returns whether there was what it looks for; where it was not, all is over. */
class Picker {
 public:
  Picker(const uint8_t* bytes, std::size_t size) : at_(bytes), end_(bytes + size) {}

  bool list(const WantedFields& wanted) {
    out_.reserve(static_cast<std::size_t>(end_ - at_) / kPickedPart);
    if (!members('{', '}', [&] { return fieldOfList(wanted); })) return false;
    out_.append(1, '{').append(rest_).append(1, '}');
    return next() == nothing;
  }

  std::string take() { return std::move(out_); }

 private:
  static constexpr int nothing = -1;

  /** The next byte that is no white space, which stays. */
  int next() {
    while (at_ < end_ && isSpace(*at_)) at_++;
    return at_ < end_ ? *at_ : nothing;
  }

  bool pass(char expected) {
    if (next() != expected) return false;
    at_++;
    return true;
  }

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

  bool fieldOfList(const WantedFields& wanted) {
    const WantedFields* field = nullptr;
    if (!name(wanted, field)) return false;
    if (field == nullptr) return skip();
    if (field->name() == kItems && next() == '[') return lines(*field);
    out_.swap(rest_);
    separate('\0');
    const bool is_there = named(*field);
    out_.swap(rest_);
    return is_there;
  }

  /** Those of a second "items" would take the first ones' place. */
  bool lines(const WantedFields& wanted) {
    if (!out_.empty()) return false;
    return members('[', ']', [&] {
      const bool is_there = value(wanted);
      out_ += '\n';
      return is_there;
    });
  }

  bool value(const WantedFields& wanted) {
    const int first = next();
    if (!wanted.all() && first == '{') return object(wanted);
    if (!wanted.all() && first == '[') return array(wanted);
    return copy();
  }

  bool object(const WantedFields& wanted) {
    out_ += '{';
    const bool is_there = members('{', '}', [&] {
      const WantedFields* field = nullptr;
      if (!name(wanted, field)) return false;
      if (field == nullptr) return skip();
      separate('{');
      return named(*field);
    });
    out_ += '}';
    return is_there;
  }

  bool array(const WantedFields& wanted) {
    if (++arrays_ > kMostArrays) return false;
    out_ += '[';
    const bool is_there = members('[', ']', [&] {
      separate('[');
      return value(wanted);
    });
    out_ += ']';
    arrays_--;
    return is_there;
  }

  /** A comma, but behind what opens or begins. */
  void separate(char open) {
    if (!out_.empty() && out_.back() != open) out_ += ',';
  }

  bool named(const WantedFields& field) {
    out_.append(1, '"').append(field.name()).append("\":");
    return value(field);
  }

  /** A field's name, and what stands before its value. @param field null: it is not wanted */
  bool name(const WantedFields& wanted, const WantedFields*& field) {
    if (next() != '"') return false;
    const uint8_t* from = at_ + 1;
    bool plain = true;
    if (!skipText(plain) || !plain) return false;
    field = wanted.find(from, static_cast<std::size_t>(at_ - 1 - from));
    return pass(':');
  }

  bool copy() {
    next();
    const uint8_t* from = at_;
    if (!skip()) return false;
    const auto length = static_cast<std::size_t>(at_ - from);
    if (std::memchr(from, '\n', length) != nullptr) return false;
    out_.append(reinterpret_cast<const char*>(from), length);
    return true;
  }

  bool skip() {
    const int first = next();
    bool plain = true;
    if (first == '"') return skipText(plain);
    if (first == '{' || first == '[') return skipNested();
    const uint8_t* from = at_;
    while (at_ < end_ && isOfLiteral(*at_)) at_++;
    return at_ > from;
  }

  /** @param plain told where there is an escape in it */
  bool skipText(bool& plain) {
    for (at_++; at_ < end_;) {
      const uint8_t byte = *at_++;
      if (byte == '"') return true;
      if (byte != '\\') continue;
      plain = false;
      if (at_ < end_) at_++;
    }
    return false;
  }

  bool skipNested() {
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

  const uint8_t* at_;
  const uint8_t* const end_;
  std::string out_;
  std::string rest_;
  int arrays_ = 0;
};

}  // namespace

void WantedFields::add(std::string_view path) {
  const auto end = path.find('\n');
  const auto name = path.substr(0, end);
  WantedFields* field = nullptr;
  for (auto& one : fields_) {
    if (one.name_ == name) field = &one;
  }
  if (field == nullptr) field = &fields_.emplace_back(name);
  if (end != std::string_view::npos) field->add(path.substr(end + 1));
}

const WantedFields* WantedFields::find(const uint8_t* name, std::size_t length) const {
  for (const auto& field : fields_) {
    if (field.name_.size() == length && std::memcmp(field.name_.data(), name, length) == 0) return &field;
  }
  return nullptr;
}

Result<std::string> pickJsonList(const uint8_t* bytes, std::size_t size, const WantedFields& wanted) {
  Picker picker(bytes, size);
  if (!picker.list(wanted)) return SysError::of(EINVAL, "pickJsonList");
  return picker.take();
}

}  // namespace fairlead::sys
