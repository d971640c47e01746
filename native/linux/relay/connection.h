// A relayed connection of TCP: its two sockets, from the connect to the end of both directions.
#pragma once

#include <list>

#include "frontend.h"
#include "shared.h"
#include "source.h"
#include "stream.h"
#include "timers.h"

namespace fairlead::sys::relay {

class Worker;

/** The peer will be told that the connection has failed, in the place of its end (RFC 9293, 3.10.5). */
void resetAtClose(const Descriptor& fd);

/** Of one worker, whose list owns it. The client's socket is not watched, and nothing read, before an
 * endpoint is there. */
class Connection final : public TimerEntry {
 public:
  Connection(Worker& worker, SharedFrontend frontend, Descriptor client, const SocketAddress& peer,
             Place place);

  /** Tries endpoints until one is being connected to. */
  void connect();
  /** Both sockets close, and what was not moved is lost: a peer sees a reset. */
  void abort();
  /** More to move, after others had their turn. */
  void moveOn();
  void onDue() override;

  /** Where its worker keeps it. */
  std::list<Connection>::iterator self;

 private:
  /** Hears of one of the two sockets. */
  class Ear final : public Source {
   public:
    Ear(Connection& connection, End& end) : connection_(connection), end_(end) {}
    void onReady(uint32_t events) override { connection_.onReady(end_, events); }

   private:
    Connection& connection_;
    End& end_;
  };

  bool connectTo(const SocketAddress& endpoint);
  void onReady(End& end, uint32_t events);
  void onConnect(uint32_t events);
  void fail(int code);
  void move();
  void watchWrites();
  void end();

  Worker& worker_;
  SharedFrontend frontend_;
  SocketAddress peer_;
  Place place_;
  Attempts attempts_;
  End client_, server_;
  Ear client_ear_, server_ear_;
  Stream up_, down_;
  int64_t active_ms_ = 0;
  bool is_open_ = false;
  bool over_ = false;
  bool watches_writes_ = false;
  bool is_queued_ = false;
  bool keeps_alive_ = false;
};

}  // namespace fairlead::sys::relay
