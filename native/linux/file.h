// Reading and writing small files (sysctls) as a thread of a namespace sees them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "namespace.h"
#include "result.h"

namespace fairlead::sys {

struct FileRequest {
  NamespaceTarget target;
  std::string path;
  std::vector<uint8_t> data;  // what to write; unused by reading
};

/** The whole file; EFBIG where it is longer than 64 KiB, so that nothing is cut silently. */
Result<std::vector<uint8_t>> readFile(const FileRequest& request);

/** Replaces the content with one write(2), as a sysctl demands. It never creates the file. */
Status writeFile(const FileRequest& request);

}  // namespace fairlead::sys
