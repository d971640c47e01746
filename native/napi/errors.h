// A failed system call as the JavaScript error that src/kernel/native.ts declares (NativeError).
#pragma once

#include <napi.h>

#include "../linux/result.h"

namespace fairlead::edge {

Napi::Error toError(Napi::Env env, const sys::SysError& error);

}  // namespace fairlead::edge
