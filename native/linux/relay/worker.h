// One thread of the relay: its epoll, its listeners, its connections and flows. Nothing of them is another's.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "../result.h"
#include "connection.h"
#include "original_destination.h"
#include "own_listener.h"
#include "shared.h"
#include "source.h"
#include "tcp_listener.h"
#include "timers.h"
#include "udp_listener.h"

namespace fairlead::sys::relay {

/** What a worker is told. */
struct Command {
  std::vector<std::string> gone;
  std::vector<OwnListener> come;
  /** Keys of frontends that have other endpoints. */
  std::vector<std::string> changed;
};

/**
 * Destruction order: the thread is told to stop and joined; then connections close, then listeners with their
 * flows, then epoll.
 */
class Worker {
 public:
  /** @param listeners of each shared listener of the options one socket, which is listening */
  static Result<std::unique_ptr<Worker>> create(Shared& shared, std::vector<Descriptor> listeners);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  /** From any thread. */
  void tell(Command command);
  /** Returns at once; the destructor waits. */
  void stop();

  // What follows is the worker's own thread's.

  const Options& options() const { return shared_.options; }
  Shared& shared() { return shared_; }
  int64_t nowMs() const { return now_ms_; }
  Transfer& transfer() { return transfer_; }
  UdpBuffers& udpBuffers() { return udp_buffers_; }
  OriginalDestinations& originalDestinations() { return original_destinations_; }
  TimerList& connecting(std::size_t attempt) { return connecting_[attempt]; }
  TimerList& open() { return open_; }
  TimerList& flows() { return flow_timers_; }

  bool watch(int fd, uint32_t events, Source& source);
  bool rewatch(int fd, uint32_t events, Source& source);

  void accepted(SharedFrontend frontend, Descriptor client, const SocketAddress& peer);
  /** It is asked to move on when others had their turn. */
  void later(Connection& connection) { later_.push_back(&connection); }
  /** It is destroyed when the turn is over: until then epoll may speak of it. */
  void retire(Connection& connection);
  void retire(std::unique_ptr<Source> source) { retired_sources_.push_back(std::move(source)); }
  /** Where descriptors are lacking, a listener would say so again at once, and for ever. */
  void pause(TcpListener& listener);

 private:
  class Inbox final : public Source {
   public:
    explicit Inbox(Worker& worker) : worker_(worker) {}
    void onReady(uint32_t) override { worker_.obey(); }

   private:
    Worker& worker_;
  };

  explicit Worker(Shared& shared);
  Status prepare(std::vector<Descriptor> listeners);
  void run();
  void turn();
  int waitMs() const;
  void runTimers();
  void moveOn();
  void obey();
  void take(OwnListener& listener);
  void drop(const std::string& key);
  void resume();
  void wake();
  void tick();

  Shared& shared_;
  Descriptor epoll_, wake_;
  Inbox inbox_{*this};
  int64_t now_ms_ = 0;
  Transfer transfer_;
  UdpBuffers udp_buffers_;
  OriginalDestinations original_destinations_;
  std::list<TimerList> timers_;
  std::vector<std::reference_wrapper<TimerList>> connecting_;
  TimerList& open_;
  TimerList& flow_timers_;
  std::vector<std::unique_ptr<TcpListener>> shared_listeners_;
  std::unordered_map<std::string, std::unique_ptr<TcpListener>> tcp_listeners_;
  std::unordered_map<std::string, std::unique_ptr<UdpListener>> udp_listeners_;
  std::list<Connection> connections_;
  std::list<Connection> retired_;
  std::vector<std::unique_ptr<Source>> retired_sources_;
  std::vector<Connection*> later_;
  std::vector<TcpListener*> paused_;
  int64_t resume_ms_ = 0;

  std::mutex mutex_;  // guards told_
  std::vector<Command> told_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace fairlead::sys::relay
