#include "json_line.h"

#include <algorithm>

namespace fairlead::sys {

namespace {

// More is no port and no number of anything that is listed; and no double rounds it.
constexpr std::size_t kMostDigits = 9;

bool isDigit(char byte) {
  return byte >= '0' && byte <= '9';
}

bool isPlain(char byte) {
  return isDigit(byte) || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '-' ||
         byte == '.' || byte == ':' || byte == '_' || byte == '+';
}

}  // namespace

void LineWriter::Row::clear(std::size_t count) {
  words.resize(count);
  for (auto& word : words) {
    word.text.clear();
    word.is_there = false;
  }
  is_marked = false;
}

/** A field that stands there twice: its last value would count. */
bool LineWriter::Row::add(std::size_t place, std::string_view text) {
  auto& word = words[place];
  if (word.is_there || !std::all_of(text.begin(), text.end(), isPlain)) return false;
  word.text = text;
  word.is_there = true;
  return true;
}

bool LineWriter::Row::isWhole(const std::vector<bool>& required) const {
  for (std::size_t i = 0; i < words.size(); i++) {
    if (required[i] && words[i].text.empty()) return false;
  }
  return true;
}

bool LineWriter::write(JsonScanner& scan, std::string& out) {
  row_.clear(wanted_.row().size());
  scan_ = &scan;
  if (!object(wanted_, row_) || !row_.isWhole(wanted_.row())) return false;
  for (std::size_t i = 0; i < row_.words.size(); i++) {
    if (i > 0) out += ' ';
    out += row_.words[i].text;
  }
  return true;
}

bool LineWriter::object(const WantedFields& wanted, Row& row) {
  return scan_->members('{', '}', [&] {
    std::string_view name;
    if (!scan_->name(name)) return false;
    const WantedFields* wanted_field = wanted.find(name);
    return wanted_field == nullptr ? scan_->skip() : field(*wanted_field, row);
  });
}

bool LineWriter::field(const WantedFields& wanted, Row& row) {
  std::string_view json;
  switch (wanted.use()) {
    case LineUse::within:
      return !wanted.all() && object(wanted, row);
    case LineUse::any:
      return scan_->skip();
    case LineUse::usual:
      return scan_->value(json) && json == wanted.json();
    case LineUse::mark:
      if (!scan_->value(json)) return false;
      row.is_marked = json == wanted.json();
      return true;
    case LineUse::word:
      return word(wanted, row);
    case LineUse::one:
    case LineUse::first:
      return texts(wanted, row);
    case LineUse::number:
      return number(wanted, row);
    case LineUse::each:
      return rows(wanted, row);
  }
  return false;
}

bool LineWriter::word(const WantedFields& field, Row& row) {
  std::string_view text;
  bool plain = true;
  return scan_->text(text, plain) && row.add(field.place(), text);
}

bool LineWriter::texts(const WantedFields& field, Row& row) {
  std::size_t count = 0;
  return scan_->members('[', ']', [&] {
    if (count++ == 0) return word(field, row);
    return field.use() == LineUse::first && scan_->skip();
  });
}

bool LineWriter::number(const WantedFields& field, Row& row) {
  std::string_view digits;
  if (!scan_->value(digits) || digits.size() > kMostDigits) return false;
  if (digits.size() > 1 && digits.front() == '0') return false;
  return std::all_of(digits.begin(), digits.end(), isDigit) && row.add(field.place(), digits);
}

bool LineWriter::rows(const WantedFields& field, Row& row) {
  auto& all = row.words[field.place()];
  // Rows within rows are not asked for.
  if (all.is_there || &row != &row_) return false;
  all.is_there = true;
  return scan_->members('[', ']', [&] {
    inner_.clear(field.row().size());
    if (!object(field, inner_) || !inner_.isWhole(field.row())) return false;
    if (!all.text.empty()) all.text += ',';
    if (inner_.is_marked) all.text += '*';
    const auto& words = inner_.words;
    auto count = words.size();
    while (count > 0 && !words[count - 1].is_there) count--;
    for (std::size_t i = 0; i < count; i++) {
      if (i > 0) all.text += '/';
      all.text += words[i].text;
    }
    return true;
  });
}

}  // namespace fairlead::sys
