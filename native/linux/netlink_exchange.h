// One request on a netlink socket: a batch goes out, the kernel's answers come in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "deadline.h"
#include "netlink_socket.h"
#include "stop_signal.h"

namespace fairlead::sys {

struct ExchangeRequest {
  const uint8_t* batch = nullptr;  // owned by the caller for as long as the exchange lives
  std::size_t batch_bytes = 0;
  std::size_t max_batch_bytes = 0;
  std::size_t terminators = 0;  // NLMSG_ERROR and NLMSG_DONE messages that make the answer whole
  uint32_t timeout_ms = 0;      // from the moment it is sent, not from when it was queued
};

/** Whether an exchange may sleep for answers, or must come back to be continued. */
enum class Waiting { kAllowed, kForbidden };

/**
 * An exchange that can be left and taken up again. The kernel answers within sendmsg(2), so that waiting
 * is the exception: one that would have to wait steps back, and its neighbours' results go out first.
 */
class Exchange {
 public:
  explicit Exchange(const ExchangeRequest& request) : request_(request) {}

  /** Goes as far as it can. True: finished, take the outcome. False: it has to wait and was not allowed to.
   */
  bool advance(const Descriptor& socket, const StopSignal& stop, Waiting waiting);

  bool isSent() const { return sent_; }
  std::size_t batchBytes() const { return request_.batch_bytes; }

  /** Ends it without a result of its own. */
  void fail(SysError error) { failure_ = std::move(error); }
  bool hasFailed() const { return failure_.has_value(); }
  SysError& failure() { return *failure_; }
  Datagrams& answers() { return answers_; }

 private:
  bool send(const Descriptor& socket);
  bool collect(const Descriptor& socket);
  bool wait(const Descriptor& socket, const StopSignal& stop);
  void lose(const Descriptor& socket, SysError error);
  bool finish(SysError error);

  ExchangeRequest request_;
  Deadline deadline_;
  bool sent_ = false;
  std::size_t seen_ = 0;
  Datagrams answers_;
  std::optional<SysError> failure_;
};

}  // namespace fairlead::sys
