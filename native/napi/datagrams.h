// Received datagrams as JavaScript has them: one Buffer each.
#pragma once

#include <napi.h>

#include "../linux/netlink_socket.h"

namespace fairlead::edge {

Napi::Array toBuffers(Napi::Env env, const sys::Datagrams& datagrams);

}  // namespace fairlead::edge
