// Loads programs of native/bpf by the loader programs that bpftool made of them (libbpf's light skeleton):
// the kernel runs one that finds the types and functions which ours use in its own BTF, creates the maps and
// loads it.
#include <linux/bpf.h>
#include <sys/syscall.h>

#include <cstring>

#include "bpf.h"

namespace fairlead::sys {

namespace pod_fast_path {
#include "../bpf/pod_fast_path.lskel"
}

/** Of bpf.cc. */
Result<SharedProgram> describeBpf(Descriptor fd);

namespace {

/** What a loader program is given and fills: bpf_loader_ctx, bpf_map_desc and bpf_prog_desc of libbpf's
 * skel_internal.h. */
struct LoaderContext {
  uint32_t bytes;
  uint32_t flags;
  uint32_t log_level;
  uint32_t log_bytes;
  uint64_t log;
  struct {
    int fd;
    uint32_t most_entries;
    uint64_t initial_value;
  } maps[pod_fast_path::kMaps];
  int programs[pod_fast_path::kPrograms];
};

static_assert(pod_fast_path::kPrograms == 1, "which of them is meant has to be told else");

constexpr uint32_t kContextBytes = offsetof(LoaderContext, programs) + sizeof(int) * pod_fast_path::kPrograms;

int bpf(bpf_cmd command, bpf_attr& attributes) {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof(attributes)));
}

template <typename T>
uint64_t address(const T* pointer) {
  return reinterpret_cast<uint64_t>(pointer);
}

/** An array of one element, which holds what the loader program works on. */
Descriptor makeData(const uint8_t* data, uint32_t bytes) {
  bpf_attr create = {};
  create.map_type = BPF_MAP_TYPE_ARRAY;
  std::strcpy(create.map_name, "__loader.map");
  create.key_size = 4;
  create.value_size = bytes;
  create.max_entries = 1;
  Descriptor map(bpf(BPF_MAP_CREATE, create));
  if (!map.isOpen()) return map;
  const uint32_t first = 0;
  bpf_attr update = {};
  update.map_fd = static_cast<uint32_t>(map.get());
  update.key = address(&first);
  update.value = address(data);
  if (bpf(BPF_MAP_UPDATE_ELEM, update) != 0) map.reset();
  return map;
}

Descriptor loadLoader(const uint8_t* instructions, uint32_t bytes, int data) {
  bpf_attr load = {};
  load.prog_type = BPF_PROG_TYPE_SYSCALL;
  load.insns = address(instructions);
  load.insn_cnt = bytes / sizeof(bpf_insn);
  load.license = address("Dual BSD/GPL");
  std::strcpy(load.prog_name, "__loader.prog");
  load.fd_array = address(&data);
  load.prog_flags = BPF_F_SLEEPABLE;
  return Descriptor(bpf(BPF_PROG_LOAD, load));
}

/** @return 0, or an errno */
int runLoader(const Descriptor& loader, LoaderContext& context) {
  context.bytes = kContextBytes;
  bpf_attr run = {};
  run.test.prog_fd = static_cast<uint32_t>(loader.get());
  run.test.ctx_in = address(&context);
  run.test.ctx_size_in = kContextBytes;
  if (bpf(BPF_PROG_RUN, run) != 0) return errno;
  const int result = static_cast<int>(run.test.retval);
  return result < 0 ? -result : 0;
}

}  // namespace

Result<SharedProgram> loadBpf(const std::string& name) {
  if (name != "pod_fast_path") return SysError::of(ENOENT, "bpf", name);
  const Descriptor data = makeData(pod_fast_path::kData, sizeof(pod_fast_path::kData));
  if (!data.isOpen()) return SysError::last("bpf", name);
  const Descriptor loader =
      loadLoader(pod_fast_path::kInstructions, sizeof(pod_fast_path::kInstructions), data.get());
  if (!loader.isOpen()) return SysError::last("bpf", name);
  LoaderContext context = {};
  const int error = runLoader(loader, context);
  for (auto& map : context.maps) {
    if (map.fd > 0) Descriptor(map.fd).reset();
  }
  Descriptor program(context.programs[0] > 0 ? context.programs[0] : -1);
  if (error != 0) return SysError::of(error, "bpf", name);
  return describeBpf(std::move(program));
}

}  // namespace fairlead::sys
