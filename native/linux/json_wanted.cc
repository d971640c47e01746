#include "json_wanted.h"

#include <array>
#include <utility>

namespace fairlead::sys {

namespace {

constexpr std::array<std::pair<std::string_view, LineUse>, 8> kUses{{
    {"any", LineUse::any},
    {"word", LineUse::word},
    {"one", LineUse::one},
    {"first", LineUse::first},
    {"number", LineUse::number},
    {"usual", LineUse::usual},
    {"mark", LineUse::mark},
    {"each", LineUse::each},
}};

bool hasWord(LineUse use) {
  return use == LineUse::word || use == LineUse::one || use == LineUse::first || use == LineUse::number ||
         use == LineUse::each;
}

}  // namespace

bool WantedFields::add(std::string_view path, WantedFields& row) {
  const auto end = path.find_first_of("\n\t");
  const auto name = path.substr(0, end);
  WantedFields* field = nullptr;
  for (auto& one : fields_) {
    if (one.name_ == name) field = &one;
  }
  if (field == nullptr) field = &fields_.emplace_back(name);
  if (end == std::string_view::npos) return true;
  const auto rest = path.substr(end + 1);
  if (path[end] == '\t') return field->setUse(rest, row);
  return field->add(rest, field->use_ == LineUse::each ? *field : row);
}

bool WantedFields::setUse(std::string_view use, WantedFields& row) {
  const auto end = use.find(' ');
  for (const auto& [name, known] : kUses) {
    if (name == use.substr(0, end)) use_ = known;
  }
  if (end != std::string_view::npos) json_ = use.substr(end + 1);
  if ((use_ == LineUse::usual || use_ == LineUse::mark) == json_.empty()) return false;
  if (!hasWord(use_)) return use_ != LineUse::within;
  place_ = row.row_.size();
  row.row_.push_back(use_ != LineUse::word);
  return true;
}

const WantedFields* WantedFields::find(std::string_view name) const {
  for (const auto& field : fields_) {
    if (field.name_ == name) return &field;
  }
  return nullptr;
}

}  // namespace fairlead::sys
