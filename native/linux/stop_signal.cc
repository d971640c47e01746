#include "stop_signal.h"

#include <sys/eventfd.h>

namespace fairlead::sys {

Result<std::shared_ptr<StopSignal>> StopSignal::create() {
  Descriptor event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event.isOpen()) return SysError::last("eventfd");
  return std::make_shared<StopSignal>(std::move(event));
}

void StopSignal::raise() {
  raised_.store(true);
  // The counter cannot be full: this is its only writer, and it writes once.
  (void)::eventfd_write(event_.get(), 1);
}

}  // namespace fairlead::sys
