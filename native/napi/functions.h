// The functions of the add-on, as src/kernel/native.ts documents them (NativeAddon).
#pragma once

#include <napi.h>

namespace fairlead::edge {

Napi::Value openNamespace(const Napi::CallbackInfo& info);
Napi::Value createNamespace(const Napi::CallbackInfo& info);
Napi::Value createNamedNamespace(const Napi::CallbackInfo& info);
Napi::Value deleteNamedNamespace(const Napi::CallbackInfo& info);
Napi::Value readFileInNamespace(const Napi::CallbackInfo& info);
Napi::Value writeFileInNamespace(const Napi::CallbackInfo& info);
Napi::Value runInNamespace(const Napi::CallbackInfo& info);
Napi::Value openNetlink(const Napi::CallbackInfo& info);
Napi::Value subscribeNetlink(const Napi::CallbackInfo& info);
Napi::Value loadBpf(const Napi::CallbackInfo& info);
Napi::Value attachedBpf(const Napi::CallbackInfo& info);
Napi::Value openBpf(const Napi::CallbackInfo& info);
Napi::Value pickJsonList(const Napi::CallbackInfo& info);
Napi::Value openRelay(const Napi::CallbackInfo& info);
Napi::Value openHandles(const Napi::CallbackInfo& info);

}  // namespace fairlead::edge
