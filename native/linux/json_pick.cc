#include "json_pick.h"

#include <cstring>
#include <utility>

#include "json_line.h"
#include "json_scan.h"

namespace fairlead::sys {

namespace {

// Arrays within arrays are read by recursion, and bytes of others decide on their number.
constexpr int kMostArrays = 16;
// What is picked of the API's lists is a third of them at the most.
constexpr std::size_t kPickedPart = 3;
constexpr std::string_view kItems = "items";

/** Every step returns whether there was what it looks for; where it was not, all is over. */
class Picker {
 public:
  Picker(const uint8_t* bytes, std::size_t size) : scan_(bytes, size) { out_.reserve(size / kPickedPart); }

  bool list(const WantedFields& wanted) {
    if (!scan_.members('{', '}', [&] { return fieldOfList(wanted); })) return false;
    out_.append(1, '{').append(rest_).append(1, '}');
    return scan_.next() == JsonScanner::nothing;
  }

  std::string take() { return std::move(out_); }

 private:
  bool fieldOfList(const WantedFields& wanted) {
    const WantedFields* field = nullptr;
    if (!name(wanted, field)) return false;
    if (field == nullptr) return scan_.skip();
    if (field->name() == kItems && scan_.next() == '[') return lines(*field);
    out_.swap(rest_);
    separate('\0');
    const bool is_there = named(*field);
    out_.swap(rest_);
    return is_there;
  }

  /** Those of a second "items" would take the first ones' place. */
  bool lines(const WantedFields& wanted) {
    if (!out_.empty()) return false;
    LineWriter writer(wanted);
    return scan_.members('[', ']', [&] {
      const bool is_there = line(wanted, writer);
      out_ += '\n';
      return is_there;
    });
  }

  bool line(const WantedFields& wanted, LineWriter& writer) {
    if (!writer.isWanted()) return value(wanted);
    // Nothing else is told from a line.
    if (scan_.next() != '{') return false;
    const uint8_t* from = scan_.at();
    const auto length = out_.size();
    if (writer.write(scan_, out_)) return true;
    scan_.goBack(from);
    out_.resize(length);
    return value(wanted);
  }

  bool value(const WantedFields& wanted) {
    const int first = scan_.next();
    if (!wanted.all() && first == '{') return object(wanted);
    if (!wanted.all() && first == '[') return array(wanted);
    return copy();
  }

  bool object(const WantedFields& wanted) {
    out_ += '{';
    const bool is_there = scan_.members('{', '}', [&] {
      const WantedFields* field = nullptr;
      if (!name(wanted, field)) return false;
      if (field == nullptr) return scan_.skip();
      separate('{');
      return named(*field);
    });
    out_ += '}';
    return is_there;
  }

  bool array(const WantedFields& wanted) {
    if (++arrays_ > kMostArrays) return false;
    out_ += '[';
    const bool is_there = scan_.members('[', ']', [&] {
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
    std::string_view name;
    if (!scan_.name(name)) return false;
    field = wanted.find(name);
    return true;
  }

  bool copy() {
    std::string_view json;
    if (!scan_.value(json)) return false;
    if (std::memchr(json.data(), '\n', json.size()) != nullptr) return false;
    out_.append(json);
    return true;
  }

  JsonScanner scan_;
  std::string out_;
  std::string rest_;
  int arrays_ = 0;
};

}  // namespace

Result<std::string> pickJsonList(const uint8_t* bytes, std::size_t size, const WantedFields& wanted) {
  Picker picker(bytes, size);
  if (!picker.list(wanted)) return SysError::of(EINVAL, "pickJsonList");
  return picker.take();
}

}  // namespace fairlead::sys
