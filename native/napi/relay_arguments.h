// What JavaScript passes to a relay (src/kernel/native.ts: RelayOptions, RelayChange), checked.
#pragma once

#include <napi.h>

#include "../linux/relay/config.h"

namespace fairlead::edge {

sys::relay::Options relayOptions(const Napi::Value& value);
sys::relay::Change relayChange(const Napi::Value& value);

}  // namespace fairlead::edge
