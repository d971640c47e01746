#include "udp_listener.h"

#include <netinet/in.h>
#include <sys/epoll.h>

#include <cerrno>

#include "worker.h"

namespace fairlead::sys::relay {

namespace {

constexpr std::size_t kMostBytes = 65'535;
/** Batches of one socket before others have their turn. */
constexpr int kMostBatches = 4;
/** Who takes less at a time has found no queue that was full, whatever room the kernel gave. */
constexpr std::size_t kLongQueueBytes = 64 * 1024;
/** What the kernel counts for the smallest datagram (struct sk_buff with its data, on 64 bits). */
constexpr std::size_t kOverheadBytes = 768;
constexpr std::size_t kControlWords = CMSG_SPACE(sizeof(in6_pktinfo)) / sizeof(uint64_t);

void setHeader(cmsghdr& header, std::size_t size, int level, int type) {
  header.cmsg_len = CMSG_LEN(size);
  header.cmsg_level = level;
  header.cmsg_type = type;
}

/** From which of our addresses: the one that the client knows, or its kernel would not know the answer for
 * one. */
void putSource(msghdr& message, const SocketAddress& from) {
  auto* header = static_cast<cmsghdr*>(message.msg_control);
  if (from.isV4()) {
    in_pktinfo info = {};
    info.ipi_spec_dst = from.v4.sin_addr;
    setHeader(*header, sizeof(info), IPPROTO_IP, IP_PKTINFO);
    std::memcpy(CMSG_DATA(header), &info, sizeof(info));
    message.msg_controllen = CMSG_SPACE(sizeof(info));
  } else {
    in6_pktinfo info = {};
    info.ipi6_addr = from.v6.sin6_addr;
    setHeader(*header, sizeof(info), IPPROTO_IPV6, IPV6_PKTINFO);
    std::memcpy(CMSG_DATA(header), &info, sizeof(info));
    message.msg_controllen = CMSG_SPACE(sizeof(info));
  }
}

}  // namespace

// --- buffers ---

void UdpBuffers::allocate() {
  bytes_.resize(kBatch * kMostBytes);
  messages_.resize(kBatch);
  parts_.resize(kBatch);
  peers_.resize(kBatch);
  controls_.resize(kBatch * kControlWords);
}

unsigned UdpBuffers::receive(int fd) {
  if (bytes_.empty()) allocate();
  for (unsigned index = 0; index < kBatch; index++) {
    parts_[index] = {bytes_.data() + index * kMostBytes, kMostBytes};
    auto& header = messages_[index].msg_hdr;
    header = {};
    header.msg_name = &peers_[index];
    header.msg_namelen = sizeof(SocketAddress);
    header.msg_iov = &parts_[index];
    header.msg_iovlen = 1;
    header.msg_control = &controls_[index * kControlWords];
    header.msg_controllen = kControlWords * sizeof(uint64_t);
  }
  const int count = ::recvmmsg(fd, messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
  return count < 0 ? 0 : static_cast<unsigned>(count);
}

std::size_t UdpBuffers::held(unsigned count) const {
  std::size_t bytes = count * kOverheadBytes;
  for (unsigned index = 0; index < count; index++) bytes += messages_[index].msg_len;
  return bytes;
}

SocketAddress UdpBuffers::destinationOf(unsigned index) const {
  auto* message = const_cast<msghdr*>(&messages_[index].msg_hdr);
  SocketAddress found;
  for (cmsghdr* header = CMSG_FIRSTHDR(message); header != nullptr; header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(header), sizeof(info));
      found.v4.sin_family = AF_INET;
      found.v4.sin_addr = info.ipi_addr;
    } else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(header), sizeof(info));
      found.v6.sin6_family = AF_INET6;
      found.v6.sin6_addr = info.ipi6_addr;
    }
  }
  return found;
}

uint64_t UdpBuffers::sendConnected(int fd, unsigned first, unsigned last) {
  for (unsigned index = first; index < last; index++) {
    auto& header = messages_[index].msg_hdr;
    header.msg_name = nullptr;
    header.msg_namelen = 0;
    header.msg_control = nullptr;
    header.msg_controllen = 0;
    parts_[index].iov_len = messages_[index].msg_len;
  }
  return send(fd, first, last);
}

uint64_t UdpBuffers::sendTo(int fd, unsigned count, const SocketAddress& from, const SocketAddress& to) {
  for (unsigned index = 0; index < count; index++) {
    auto& header = messages_[index].msg_hdr;
    header.msg_name = const_cast<SocketAddress*>(&to);
    header.msg_namelen = to.length();
    header.msg_control = &controls_[index * kControlWords];
    putSource(header, from);
    parts_[index].iov_len = messages_[index].msg_len;
  }
  return send(fd, 0, count);
}

/** What a socket does not take is lost, as on any wire. */
uint64_t UdpBuffers::send(int fd, unsigned first, unsigned last) {
  uint64_t bytes = 0;
  bool retried = false;
  while (first < last) {
    const int sent = ::sendmmsg(fd, &messages_[first], last - first, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent <= 0) {
      // An error of an earlier datagram (ICMP) is told once, in the place of sending.
      if (errno == EAGAIN || retried) break;
      retried = true;
      continue;
    }
    for (int index = 0; index < sent; index++)
      bytes += messages_[first + static_cast<unsigned>(index)].msg_len;
    first += static_cast<unsigned>(sent);
  }
  return bytes;
}

// --- flows ---

bool Flow::open(Worker& worker, const SocketAddress& endpoint) {
  endpoint_ = endpoint;
  socket_ = Descriptor(::socket(endpoint.generic.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_.isOpen()) return false;
  enlargeBuffer(socket_);
  const uint32_t mark = worker.options().mark;
  if (mark != 0 && ::setsockopt(fd(), SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0) return false;
  if (::connect(fd(), &endpoint.generic, endpoint.length()) != 0) return false;
  active_ms_ = worker.nowMs();
  worker.flows().add(*this, active_ms_);
  return worker.watch(fd(), EPOLLIN, *this);
}

void Flow::onReady(uint32_t) {
  auto& worker = listener_.worker();
  auto& buffers = worker.udpBuffers();
  std::size_t held = 0;
  for (int batch = 0; batch < kMostBatches && socket_.isOpen(); batch++) {
    errno = 0;
    const unsigned count = buffers.receive(fd());
    // Nobody listens at the endpoint: the client's next datagram may find another.
    if (count == 0 && errno == ECONNREFUSED) return listener_.end(*this);
    if (count == 0) break;
    active_ms_ = worker.nowMs();
    held += buffers.held(count);
    const auto bytes = buffers.sendTo(listener_.fd(), count, reached_, client_);
    listener_.counters().bytes_out.fetch_add(bytes, std::memory_order_relaxed);
    if (count < UdpBuffers::kBatch) break;
  }
  if (held >= kLongQueueBytes) countDrops();
}

void Flow::close() {
  leave();
  if (socket_.isOpen()) countDrops();
  socket_.reset();
}

void Flow::countDrops() {
  listener_.counters().dropped.fetch_add(drops_.more(socket_), std::memory_order_relaxed);
}

void Flow::onDue() {
  auto& worker = listener_.worker();
  if (worker.nowMs() - active_ms_ >= worker.options().flow_idle_ms) return listener_.end(*this);
  worker.flows().add(*this, worker.nowMs());
}

// --- the listener ---

UdpListener::UdpListener(Worker& worker, OwnListener own)
    : worker_(worker),
      socket_(std::move(own.socket)),
      frontend_(std::move(own.frontend)),
      port_(own.port),
      is_redirected_(own.is_redirected) {
  if (!own.key.empty()) scope_ = static_cast<uint8_t>(own.key.front());
}

void UdpListener::onReady(uint32_t) {
  auto& buffers = worker_.udpBuffers();
  std::size_t held = 0;
  for (int batch = 0; batch < kMostBatches && socket_.isOpen(); batch++) {
    const unsigned count = buffers.receive(fd());
    held += buffers.held(count);
    if (count > 0) relay(count);
    if (count < UdpBuffers::kBatch) break;
  }
  if (held >= kLongQueueBytes) countDrops();
}

void UdpListener::countDrops() {
  counters().dropped.fetch_add(drops_.more(socket_), std::memory_order_relaxed);
}

/** Datagrams of one client that follow one another go together. */
void UdpListener::relay(unsigned count) {
  auto& buffers = worker_.udpBuffers();
  uint64_t bytes = 0;
  for (unsigned first = 0, last = 0; first < count; first = last) {
    const auto client = buffers.peerOf(first);
    for (last = first + 1; last < count && buffers.peerOf(last) == client;) last += 1;
    const auto reached = buffers.destinationOf(first);
    Flow* flow = flowOf(client, reached);
    if (flow == nullptr) continue;
    flow->used(worker_.nowMs(), reached);
    bytes += buffers.sendConnected(flow->fd(), first, last);
  }
  counters().bytes_in.fetch_add(bytes, std::memory_order_relaxed);
}

Flow* UdpListener::flowOf(const SocketAddress& client, const SocketAddress& reached) {
  const auto found = flows_.find(client);
  return found == flows_.end() ? makeFlow(client, reached) : found->second.get();
}

/** A port that anybody can find would else be a way past what the table refuses: source ranges, policies. */
bool UdpListener::wasLedHere(const SocketAddress& client, const SocketAddress& reached) {
  SocketAddress original;
  const auto here = SocketAddress::of(reached.ip(), port_);
  return worker_.originalDestinations().find(client, here, original) &&
         worker_.shared().table.find(scope_, original) == frontend_;
}

Flow* UdpListener::makeFlow(const SocketAddress& client, const SocketAddress& reached) {
  if (is_redirected_ && !wasLedHere(client, reached)) {
    worker_.shared().strangers.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  Place place(worker_.shared().flows, worker_.options().max_flows);
  if (!place.isTaken()) {
    worker_.shared().overflows.fetch_add(1, std::memory_order_relaxed);
    counters().refused.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  Attempts attempts;
  SocketAddress endpoint;
  auto flow = std::make_unique<Flow>(*this, client, std::move(place));
  if (!frontend_->choose(client, worker_.nowMs(), attempts, endpoint) || !flow->open(worker_, endpoint)) {
    counters().refused.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  counters().connections.fetch_add(1, std::memory_order_relaxed);
  return (flows_[client] = std::move(flow)).get();
}

void UdpListener::end(Flow& flow) {
  const auto found = flows_.find(flow.client());
  flow.close();
  worker_.retire(std::move(found->second));
  flows_.erase(found);
}

void UdpListener::endStaleFlows() {
  std::vector<Flow*> stale;
  for (const auto& [client, flow] : flows_)
    if (!frontend_->has(flow->endpoint())) stale.push_back(flow.get());
  for (Flow* flow : stale) end(*flow);
}

void UdpListener::close() {
  if (socket_.isOpen()) countDrops();
  socket_.reset();
  for (const auto& [client, flow] : flows_) flow->close();
}

}  // namespace fairlead::sys::relay
