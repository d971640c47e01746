#include "original_destination.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstddef>
#include <string>

#include "../netlink_socket.h"

namespace fairlead::sys::relay {

namespace {

constexpr uint16_t kGet = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
constexpr uint16_t kNew = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
constexpr std::size_t kHeaderBytes = NLMSG_LENGTH(sizeof(nfgenmsg));
/** Of many answers: one waits at a time. */
constexpr uint32_t kReceiveBytes = 64 * 1024;
/** Answers to questions that were given up; there is hardly ever one. */
constexpr int kMostStale = 8;

std::string attribute(uint16_t type, std::string_view value) {
  const nlattr head = {static_cast<uint16_t>(NLA_HDRLEN + value.size()), type};
  std::string bytes(reinterpret_cast<const char*>(&head), sizeof(head));
  bytes.append(value);
  bytes.resize(NLA_ALIGN(bytes.size()));
  return bytes;
}

std::string nested(uint16_t type, const std::string& value) {
  return attribute(type | NLA_F_NESTED, value);
}

std::string portBytes(uint16_t port) {
  return {static_cast<char>(port >> 8), static_cast<char>(port & 0xff)};
}

/** A flow as its answers have it: from us to the client. */
std::string replyTuple(const SocketAddress& client, const SocketAddress& here) {
  const bool is_v4 = client.isV4();
  const auto addresses = attribute(is_v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, here.ip()) +
                         attribute(is_v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, client.ip());
  const auto protocol = attribute(CTA_PROTO_NUM, std::string(1, static_cast<char>(IPPROTO_UDP))) +
                        attribute(CTA_PROTO_SRC_PORT, portBytes(here.port())) +
                        attribute(CTA_PROTO_DST_PORT, portBytes(client.port()));
  return nested(CTA_TUPLE_REPLY, nested(CTA_TUPLE_IP, addresses) + nested(CTA_TUPLE_PROTO, protocol));
}

std::string question(const SocketAddress& client, const SocketAddress& here, uint32_t sequence) {
  const auto tuple = replyTuple(client, here);
  nlmsghdr header = {};
  header.nlmsg_len = static_cast<uint32_t>(kHeaderBytes + tuple.size());
  header.nlmsg_type = kGet;
  header.nlmsg_flags = NLM_F_REQUEST;
  header.nlmsg_seq = sequence;
  nfgenmsg family = {};
  family.nfgen_family = static_cast<uint8_t>(client.generic.sa_family);
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
  bytes.append(reinterpret_cast<const char*>(&family), sizeof(family));
  return bytes + tuple;
}

/** @returns the value of the first attribute of a type; empty: there is none */
std::string_view valueOf(std::string_view attributes, uint16_t type) {
  while (attributes.size() >= sizeof(nlattr)) {
    nlattr head;
    std::memcpy(&head, attributes.data(), sizeof(head));
    if (head.nla_len < NLA_HDRLEN || head.nla_len > attributes.size()) break;
    if ((head.nla_type & NLA_TYPE_MASK) == type)
      return attributes.substr(NLA_HDRLEN, head.nla_len - NLA_HDRLEN);
    attributes.remove_prefix(std::min<std::size_t>(NLA_ALIGN(head.nla_len), attributes.size()));
  }
  return {};
}

bool destinationOf(std::string_view attributes, bool is_v4, SocketAddress& found) {
  const auto tuple = valueOf(attributes, CTA_TUPLE_ORIG);
  const auto ip = valueOf(valueOf(tuple, CTA_TUPLE_IP), is_v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST);
  const auto port = valueOf(valueOf(tuple, CTA_TUPLE_PROTO), CTA_PROTO_DST_PORT);
  if (ip.size() != (is_v4 ? sizeof(in_addr) : sizeof(in6_addr)) || port.size() != sizeof(uint16_t))
    return false;
  const auto high = static_cast<uint8_t>(port[0]);
  const auto low = static_cast<uint8_t>(port[1]);
  found = SocketAddress::of(ip, static_cast<uint16_t>(high << 8 | low));
  return true;
}

}  // namespace

bool OriginalDestinations::find(const SocketAddress& client, const SocketAddress& here,
                                SocketAddress& original) {
  if (!socket_.isOpen()) {
    NetlinkOpenRequest request;
    request.protocol = NETLINK_NETFILTER;
    request.receive_buffer_bytes = kReceiveBytes;
    auto opened = openNetlink(request);
    if (!opened.ok()) return false;
    socket_ = std::move(opened.value().fd);
  }
  const auto asked = question(client, here, ++sequence_);
  const auto sent = sendBatch(socket_, reinterpret_cast<const uint8_t*>(asked.data()), asked.size());
  if (!sent.ok()) return false;
  for (int answers = 0; answers < kMostStale; answers++) {
    const auto received = receive(socket_);
    if (!received.ok() || received.value().bytes == nullptr) return false;
    const std::string_view answer(reinterpret_cast<const char*>(received.value().bytes),
                                  received.value().size);
    nlmsghdr header;
    if (answer.size() < kHeaderBytes) return false;
    std::memcpy(&header, answer.data(), sizeof(header));
    if (header.nlmsg_seq != sequence_) continue;
    return header.nlmsg_type == kNew && destinationOf(answer.substr(kHeaderBytes), client.isV4(), original);
  }
  return false;
}

}  // namespace fairlead::sys::relay
