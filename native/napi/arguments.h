// Checking what JavaScript passes. A mistake is a TypeError, thrown at once, that names the argument.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "../linux/namespace.h"

namespace fairlead::edge {

Napi::Error argumentError(Napi::Env env, const std::string& name, const std::string& expected);

/** Without NUL: the kernel would take only what is before it. */
std::string stringArgument(const Napi::Value& value, const std::string& name);
/** As stringArgument, and not empty. */
std::string pathArgument(const Napi::Value& value, const std::string& name);
uint32_t integerArgument(const Napi::Value& value, const std::string& name, uint32_t least, uint32_t most);
bool booleanArgument(const Napi::Value& value, const std::string& name);
Napi::Object objectArgument(const Napi::Value& value, const std::string& name);
Napi::Function functionArgument(const Napi::Value& value, const std::string& name);
/** A Uint8Array, of which Buffer is one. Look at its bytes last: a getter of another argument may detach it.
 */
Napi::Uint8Array bytesArgument(const Napi::Value& value, const std::string& name);
std::vector<uint8_t> copyBytes(const Napi::Uint8Array& bytes);
std::vector<std::string> stringsArgument(const Napi::Value& value, const std::string& name);
sys::NamespaceTarget namespaceArgument(const Napi::Value& value, const std::string& name);

/** Bounds that every duration and size shares: they fit the kernel's int. */
constexpr uint32_t kMostInt = 0x7fffffff;

}  // namespace fairlead::edge
