#include "errors.h"

#include <cstring>

namespace fairlead::edge {

namespace {

/** "ENOENT"; some errnos of the kernel's (524, ENOTSUPP) have no name. */
std::string nameOf(int code) {
  const char* name = ::strerrorname_np(code);
  return name == nullptr ? "EUNKNOWN" : name;
}

std::string describe(int code) {
  const char* description = ::strerrordesc_np(code);
  return description == nullptr ? "unknown error " + std::to_string(code) : description;
}

}  // namespace

Napi::Error toError(Napi::Env env, const sys::SysError& error) {
  const std::string name = nameOf(error.code);
  const std::string attempted = error.subject.empty() ? error.call : error.call + " " + error.subject;
  auto made = Napi::Error::New(env, attempted + ": " + describe(error.code) + " (" + name + ")");
  Napi::Object fields = made.Value();
  fields.Set("errno", Napi::Number::New(env, error.code));
  fields.Set("code", Napi::String::New(env, name));
  fields.Set("syscall", Napi::String::New(env, error.call));
  if (!error.subject.empty()) fields.Set("subject", Napi::String::New(env, error.subject));
  return made;
}

}  // namespace fairlead::edge
