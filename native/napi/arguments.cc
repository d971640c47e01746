#include "arguments.h"

#include <cmath>

#include "namespace_handle.h"

namespace fairlead::edge {

Napi::Error argumentError(Napi::Env env, const std::string& name, const std::string& expected) {
  return Napi::TypeError::New(env, "argument '" + name + "' must be " + expected);
}

std::string stringArgument(const Napi::Value& value, const std::string& name) {
  if (!value.IsString()) throw argumentError(value.Env(), name, "a string");
  std::string text = value.As<Napi::String>().Utf8Value();
  if (text.find('\0') != std::string::npos) throw argumentError(value.Env(), name, "a string without NUL");
  return text;
}

std::string pathArgument(const Napi::Value& value, const std::string& name) {
  std::string path = stringArgument(value, name);
  if (path.empty()) throw argumentError(value.Env(), name, "a path, not empty");
  return path;
}

uint32_t integerArgument(const Napi::Value& value, const std::string& name, uint32_t least, uint32_t most) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  // Written so that NaN fails.
  if (!(number >= least && number <= most) || number != std::floor(number)) {
    throw argumentError(value.Env(), name,
                        "an integer from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return static_cast<uint32_t>(number);
}

bool booleanArgument(const Napi::Value& value, const std::string& name) {
  if (!value.IsBoolean()) throw argumentError(value.Env(), name, "a boolean");
  return value.As<Napi::Boolean>().Value();
}

Napi::Object objectArgument(const Napi::Value& value, const std::string& name) {
  if (!value.IsObject() || value.IsFunction()) throw argumentError(value.Env(), name, "an object");
  return value.As<Napi::Object>();
}

Napi::Function functionArgument(const Napi::Value& value, const std::string& name) {
  if (!value.IsFunction()) throw argumentError(value.Env(), name, "a function");
  return value.As<Napi::Function>();
}

Napi::Uint8Array bytesArgument(const Napi::Value& value, const std::string& name) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw argumentError(value.Env(), name, "a Buffer or Uint8Array");
  }
  return value.As<Napi::Uint8Array>();
}

std::vector<uint8_t> copyBytes(const Napi::Uint8Array& bytes) {
  return std::vector<uint8_t>(bytes.Data(), bytes.Data() + bytes.ByteLength());
}

std::vector<std::string> stringsArgument(const Napi::Value& value, const std::string& name) {
  if (!value.IsArray()) throw argumentError(value.Env(), name, "an array of strings");
  const auto array = value.As<Napi::Array>();
  std::vector<std::string> strings;
  for (uint32_t index = 0; index < array.Length(); index++) {
    const Napi::Value element = array.Get(index);
    strings.push_back(stringArgument(element, name + "[" + std::to_string(index) + "]"));
  }
  return strings;
}

sys::NamespaceTarget namespaceArgument(const Napi::Value& value, const std::string& name) {
  if (value.IsNull()) return {};
  if (value.IsString()) return {nullptr, pathArgument(value, name)};
  if (!value.IsObject()) {
    throw argumentError(value.Env(), name, "null, a path, { pid } or a namespace handle");
  }
  const auto object = value.As<Napi::Object>();
  if (const auto* handle = NamespaceHandle::from(object)) return {handle->descriptor(), {}};
  const uint32_t pid = integerArgument(object.Get("pid"), name + ".pid", 1, kMostInt);
  return {nullptr, "/proc/" + std::to_string(pid) + "/ns/net"};
}

}  // namespace fairlead::edge
