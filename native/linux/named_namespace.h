// Namespaces that live at a path, as `ip netns` keeps them (iproute2, ip/ipnetns.c).
#pragma once

#include <string>

#include "namespace.h"

namespace fairlead::sys {

/**
 * Makes a namespace and mounts it at `path`. EEXIST when the file is there. On failure neither file,
 * mount nor namespace stays; the parent directory and its shared mount stay, as other users may be in them.
 */
Result<OpenedNamespace> createNamedNamespace(const std::string& path);

/** Unmounts and removes. ENOENT when it is not there, EINVAL when it is not something we could have made. */
Status deleteNamedNamespace(const std::string& path);

}  // namespace fairlead::sys
