// bpf(2): programs that are compiled in, programs that are loaded already, and their maps.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "descriptor.h"
#include "namespace.h"
#include "result.h"

namespace fairlead::sys {

struct BpfMap {
  Descriptor fd;
  std::string name;
  uint32_t key_bytes = 0;
  /** As bpf(2) passes a value: of per-CPU maps one for each possible CPU, each rounded up to 8 bytes. */
  uint32_t value_bytes = 0;
};

/** A loaded program. It, and so its maps, live at least as long as this does; a filter holds them too. */
struct BpfProgram {
  Descriptor fd;
  uint32_t id = 0;
  /** Equal for equal instructions. */
  uint64_t tag = 0;
  std::string name;
  std::vector<BpfMap> maps;
};

using SharedProgram = std::shared_ptr<const BpfProgram>;

/** Keys and values of a map's entries, each back to back. */
struct BpfEntries {
  std::vector<uint8_t> keys;
  std::vector<uint8_t> values;
};

/** Loads a program of native/bpf; ENOENT for a name that is none of them. A kernel that lacks what it needs
 * refuses. */
Result<SharedProgram> loadBpf(const std::string& name);

/** One that is loaded, as a filter tells of it. ENOENT: there is none any more. */
Result<SharedProgram> openBpf(uint32_t id);

/** Sets or adds entries. EINVAL for sizes that are not the map's, ENOENT for a map that is not the program's.
 */
Status updateBpf(const SharedProgram& program, const std::string& map, const BpfEntries& entries);

/** Takes entries out; one that is not there is no error. */
Status removeBpf(const SharedProgram& program, const std::string& map, const std::vector<uint8_t>& keys);

/** tcx: the program sees what comes in by the link, until it is detached or the link goes. Where it is
 * already, it stays. */
Status attachBpf(const SharedProgram& program, const NamespaceTarget& target, uint32_t link);
/** ENOENT: it is not there. */
Status detachBpf(const SharedProgram& program, const NamespaceTarget& target, uint32_t link);
/** Ids of the programs that see what comes in by the link. EINVAL: this kernel has no tcx (before 6.6). */
Result<std::vector<uint32_t>> attachedBpf(const NamespaceTarget& target, uint32_t link);

Result<BpfEntries> readBpf(const SharedProgram& program, const std::string& map);

}  // namespace fairlead::sys
