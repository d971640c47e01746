// The registration table: what JavaScript sees of the add-on. src/kernel/native.ts documents it.
#include "napi/bpf_handle.h"
#include "napi/functions.h"
#include "napi/namespace_handle.h"
#include "napi/relay_handle.h"
#include "napi/socket_handle.h"
#include "napi/subscription_handle.h"

namespace fairlead::edge {

namespace {

template <Napi::Value (*function)(const Napi::CallbackInfo&)>
void add(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<function>(exports.Env(), name));
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  Environment::install(env);
  NamespaceHandle::define(env);
  SocketHandle::define(env);
  BpfHandle::define(env);
  RelayHandle::define(env);
  SubscriptionHandle::define(env);

  add<openNamespace>(exports, "openNamespace");
  add<createNamespace>(exports, "createNamespace");
  add<createNamedNamespace>(exports, "createNamedNamespace");
  add<deleteNamedNamespace>(exports, "deleteNamedNamespace");
  add<runInNamespace>(exports, "runInNamespace");
  add<readFileInNamespace>(exports, "readFileInNamespace");
  add<writeFileInNamespace>(exports, "writeFileInNamespace");
  add<openNetlink>(exports, "openNetlink");
  add<subscribeNetlink>(exports, "subscribeNetlink");
  add<loadBpf>(exports, "loadBpf");
  add<openBpf>(exports, "openBpf");
  add<attachedBpf>(exports, "attachedBpf");
  add<pickJsonList>(exports, "pickJsonList");
  add<openRelay>(exports, "openRelay");
  add<openHandles>(exports, "openHandles");
  return exports;
}

}  // namespace

}  // namespace fairlead::edge

static Napi::Object initializeAddon(Napi::Env env, Napi::Object exports) {
  return fairlead::edge::initialize(env, exports);
}

NODE_API_MODULE(fairlead, initializeAddon)
