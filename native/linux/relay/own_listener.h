// A frontend's own listener, on its way to the worker that will have it.
#pragma once

#include <string>

#include "../descriptor.h"
#include "config.h"
#include "frontend.h"

namespace fairlead::sys::relay {

/** The socket is one worker's alone. */
struct OwnListener {
  std::string key;
  Protocol protocol = Protocol::kTcp;
  Descriptor socket;
  uint16_t port = 0;
  /** FrontendSpec::is_redirected */
  bool is_redirected = false;
  SharedFrontend frontend;
};

}  // namespace fairlead::sys::relay
