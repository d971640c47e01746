#include "bpf.h"

#include <linux/bpf.h>
#include <sys/syscall.h>

#include <cstring>
#include <fstream>

namespace fairlead::sys {

namespace {

/** Past it a map that grows while it is read is cut. */
constexpr std::size_t kMostEntries = 1 << 20;

/** BPF_TCX_INGRESS, which headers before 6.6 have not. */
constexpr uint32_t kTcxIngress = 46;

int bpf(bpf_cmd command, bpf_attr& attributes) {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof(attributes)));
}

uint64_t address(const void* pointer) {
  return reinterpret_cast<uint64_t>(pointer);
}

template <typename Info>
bool readInfo(const Descriptor& fd, Info& info) {
  bpf_attr attributes = {};
  attributes.info.bpf_fd = static_cast<uint32_t>(fd.get());
  attributes.info.info_len = sizeof(info);
  attributes.info.info = address(&info);
  return bpf(BPF_OBJ_GET_INFO_BY_FD, attributes) == 0;
}

/** The last number of "0-3" or "0,2-7" in /sys/devices/system/cpu/possible, and one more. */
uint32_t possibleCpus() {
  std::ifstream file("/sys/devices/system/cpu/possible");
  std::string text;
  std::getline(file, text);
  const auto last = text.find_last_of(",-");
  const std::string number = last == std::string::npos ? text : text.substr(last + 1);
  return number.empty() ? 1 : static_cast<uint32_t>(std::strtoul(number.c_str(), nullptr, 10)) + 1;
}

bool isPerCpu(uint32_t type) {
  return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

Result<BpfMap> openMap(uint32_t id) {
  bpf_attr attributes = {};
  attributes.map_id = id;
  BpfMap map;
  map.fd = Descriptor(bpf(BPF_MAP_GET_FD_BY_ID, attributes));
  if (!map.fd.isOpen()) return SysError::last("bpf", "open map");
  bpf_map_info info = {};
  if (!readInfo(map.fd, info)) return SysError::last("bpf", "describe map");
  map.name = info.name;
  map.key_bytes = info.key_size;
  map.value_bytes = isPerCpu(info.type) ? (info.value_size + 7) / 8 * 8 * possibleCpus() : info.value_size;
  return map;
}

Result<SharedProgram> describe(Descriptor fd) {
  auto program = std::make_shared<BpfProgram>();
  program->fd = std::move(fd);
  uint32_t map_ids[64] = {};
  bpf_prog_info info = {};
  info.nr_map_ids = 64;
  info.map_ids = address(map_ids);
  if (!readInfo(program->fd, info)) return SysError::last("bpf", "describe program");
  program->id = info.id;
  program->name = info.name;
  std::memcpy(&program->tag, info.tag, sizeof(program->tag));
  for (uint32_t index = 0; index < info.nr_map_ids && index < 64; index++) {
    auto map = openMap(map_ids[index]);
    if (!map.ok()) return std::move(map.error());
    program->maps.push_back(std::move(map.value()));
  }
  return SharedProgram(std::move(program));
}

const BpfMap* find(const SharedProgram& program, const std::string& name) {
  for (const auto& map : program->maps) {
    if (map.name == name) return &map;
  }
  return nullptr;
}

bpf_attr element(const BpfMap& map, const void* key, const void* value) {
  bpf_attr attributes = {};
  attributes.map_fd = static_cast<uint32_t>(map.fd.get());
  attributes.key = address(key);
  attributes.value = address(value);
  return attributes;
}

}  // namespace

Result<SharedProgram> openBpf(uint32_t id) {
  bpf_attr attributes = {};
  attributes.prog_id = id;
  Descriptor fd(bpf(BPF_PROG_GET_FD_BY_ID, attributes));
  if (!fd.isOpen()) return SysError::last("bpf", "open program");
  return describe(std::move(fd));
}

Result<SharedProgram> describeBpf(Descriptor fd) {
  return describe(std::move(fd));
}

Status updateBpf(const SharedProgram& program, const std::string& name, const BpfEntries& entries) {
  const BpfMap* map = find(program, name);
  if (map == nullptr) return SysError::of(ENOENT, "bpf", name);
  const std::size_t count = entries.keys.size() / map->key_bytes;
  if (entries.keys.size() != count * map->key_bytes || entries.values.size() != count * map->value_bytes) {
    return SysError::of(EINVAL, "bpf", name);
  }
  for (std::size_t index = 0; index < count; index++) {
    auto attributes = element(*map, entries.keys.data() + index * map->key_bytes,
                              entries.values.data() + index * map->value_bytes);
    if (bpf(BPF_MAP_UPDATE_ELEM, attributes) != 0) return SysError::last("bpf", name);
  }
  return Done{};
}

Status removeBpf(const SharedProgram& program, const std::string& name, const std::vector<uint8_t>& keys) {
  const BpfMap* map = find(program, name);
  if (map == nullptr) return SysError::of(ENOENT, "bpf", name);
  if (keys.size() % map->key_bytes != 0) return SysError::of(EINVAL, "bpf", name);
  for (std::size_t at = 0; at < keys.size(); at += map->key_bytes) {
    auto attributes = element(*map, keys.data() + at, nullptr);
    if (bpf(BPF_MAP_DELETE_ELEM, attributes) != 0 && errno != ENOENT) return SysError::last("bpf", name);
  }
  return Done{};
}

Status attachBpf(const SharedProgram& program, const NamespaceTarget& target, uint32_t link) {
  return inNamespace<Done>(target, [&]() -> Status {
    bpf_attr attributes = {};
    attributes.target_fd = link;  // target_ifindex, in headers since 6.6
    attributes.attach_bpf_fd = static_cast<uint32_t>(program->fd.get());
    attributes.attach_type = kTcxIngress;
    if (bpf(BPF_PROG_ATTACH, attributes) != 0 && errno != EEXIST) return SysError::last("bpf", "attach");
    return Done{};
  });
}

Status detachBpf(const SharedProgram& program, const NamespaceTarget& target, uint32_t link) {
  return inNamespace<Done>(target, [&]() -> Status {
    bpf_attr attributes = {};
    attributes.target_fd = link;
    attributes.attach_bpf_fd = static_cast<uint32_t>(program->fd.get());
    attributes.attach_type = kTcxIngress;
    if (bpf(BPF_PROG_DETACH, attributes) != 0) return SysError::last("bpf", "detach");
    return Done{};
  });
}

Result<std::vector<uint32_t>> attachedBpf(const NamespaceTarget& target, uint32_t link) {
  return inNamespace<std::vector<uint32_t>>(target, [&]() -> Result<std::vector<uint32_t>> {
    std::vector<uint32_t> ids(64);
    bpf_attr attributes = {};
    attributes.query.target_fd = link;
    attributes.query.attach_type = kTcxIngress;
    attributes.query.prog_ids = address(ids.data());
    attributes.query.prog_cnt = static_cast<uint32_t>(ids.size());
    if (bpf(BPF_PROG_QUERY, attributes) != 0) {
      if (errno == ENOENT) return std::vector<uint32_t>{};
      return SysError::last("bpf", "query");
    }
    ids.resize(attributes.query.prog_cnt);
    return ids;
  });
}

Result<BpfEntries> readBpf(const SharedProgram& program, const std::string& name) {
  const BpfMap* map = find(program, name);
  if (map == nullptr) return SysError::of(ENOENT, "bpf", name);
  BpfEntries entries;
  std::vector<uint8_t> key(map->key_bytes), next(map->key_bytes), value(map->value_bytes);
  for (std::size_t count = 0; count < kMostEntries; count++) {
    auto walk = element(*map, count == 0 ? nullptr : key.data(), next.data());
    if (bpf(BPF_MAP_GET_NEXT_KEY, walk) != 0) {
      if (errno == ENOENT) return entries;
      return SysError::last("bpf", name);
    }
    key = next;
    auto look = element(*map, key.data(), value.data());
    if (bpf(BPF_MAP_LOOKUP_ELEM, look) != 0) {
      // It went meanwhile.
      if (errno == ENOENT) continue;
      return SysError::last("bpf", name);
    }
    entries.keys.insert(entries.keys.end(), key.begin(), key.end());
    entries.values.insert(entries.values.end(), value.begin(), value.end());
  }
  return entries;
}

}  // namespace fairlead::sys
