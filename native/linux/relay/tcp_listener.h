// A listening socket of TCP, one of a worker's: either a frontend's own, or one that many share.
#pragma once

#include "../descriptor.h"
#include "frontend.h"
#include "source.h"

namespace fairlead::sys::relay {

class Worker;

class TcpListener final : public Source {
 public:
  /** @param frontend null: the destination that a connection had before it was redirected tells it */
  TcpListener(Worker& worker, Descriptor socket, SharedFrontend frontend, uint8_t scope)
      : worker_(worker), socket_(std::move(socket)), frontend_(std::move(frontend)), scope_(scope) {}

  void onReady(uint32_t events) override;
  int fd() const { return socket_.get(); }
  void close() { socket_.reset(); }

 private:
  SharedFrontend frontendOf(const Descriptor& client, bool is_v4) const;

  Worker& worker_;
  Descriptor socket_;
  SharedFrontend frontend_;
  uint8_t scope_;
};

}  // namespace fairlead::sys::relay
