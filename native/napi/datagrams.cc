#include "datagrams.h"

namespace fairlead::edge {

Napi::Array toBuffers(Napi::Env env, const sys::Datagrams& datagrams) {
  auto array = Napi::Array::New(env, datagrams.count());
  for (std::size_t index = 0; index < datagrams.count(); index++) {
    Napi::HandleScope scope(env);  // a dump may have thousands
    array.Set(static_cast<uint32_t>(index),
              Napi::Buffer<uint8_t>::Copy(env, datagrams.dataOf(index), datagrams.sizeOf(index)));
  }
  return array;
}

}  // namespace fairlead::edge
