#include "../linux/json_pick.h"
#include "arguments.h"
#include "functions.h"
#include "promise_task.h"

namespace fairlead::edge {

/** The text is not copied: a list has megabytes. */
Napi::Value pickJsonList(const Napi::CallbackInfo& info) {
  sys::WantedFields wanted;
  for (const auto& path : stringsArgument(info[1], "paths")) {
    if (!wanted.add(path))
      throw argumentError(info.Env(), "paths", "paths, each with what a line says of it");
  }
  const auto list = bytesArgument(info[0], "list");
  auto work = [bytes = list.Data(), size = list.ByteLength(), wanted = std::move(wanted)] {
    return sys::pickJsonList(bytes, size, wanted);
  };
  auto toBuffer = [kept = Napi::Persistent(list.As<Napi::Object>())](Napi::Env env, std::string& picked) {
    return Napi::Buffer<char>::Copy(env, picked.data(), picked.size());
  };
  return promiseOnPool(info.Env(), std::move(work), std::move(toBuffer));
}

}  // namespace fairlead::edge
