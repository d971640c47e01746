// Running a program in a namespace, bounded in time and output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "namespace.h"
#include "result.h"
#include "spawn.h"
#include "stop_signal.h"

namespace fairlead::sys {

struct RunRequest {
  NamespaceTarget target;
  SpawnRequest program;
  std::vector<uint8_t> input;  // for a piped stdin
  uint32_t timeout_ms = 0;
  std::size_t max_output_bytes = 0;  // of each of stdout and stderr
};

struct RunOutcome {
  std::optional<int> status;
  std::optional<int> signal;
  std::vector<uint8_t> out;
  std::vector<uint8_t> err;
};

/**
 * Runs the program and waits for it. It enters the namespace on the calling thread, which must be one that
 * dies afterwards. ETIMEDOUT, EFBIG, ECANCELED (environment going away): the process group was killed.
 *
 * The end is the child's end: output it wrote is read, but descendants that keep a pipe open are not
 * waited for.
 */
Result<RunOutcome> runHere(const RunRequest& request, const StopSignal& stop);

}  // namespace fairlead::sys
