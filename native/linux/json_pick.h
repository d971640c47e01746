// Some fields of the items of a JSON list, picked out of its text: what else there is is stepped over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "json_wanted.h"
#include "result.h"

namespace fairlead::sys {

/**
 * The items of an object's "items", a line each, and then, as the last line, the object's other fields: with
 * those that are wanted alone. A line is JSON, as far as what was copied there was; of an item that is as
 * most are, where lines are wanted, it is its words (json_line.h).
 *
 * EINVAL: it is no JSON object, or not of the plain kind (a name with an escape, a line's end within a
 * value).
 */
Result<std::string> pickJsonList(const uint8_t* bytes, std::size_t size, const WantedFields& wanted);

}  // namespace fairlead::sys
