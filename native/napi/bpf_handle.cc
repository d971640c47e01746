#include "bpf_handle.h"

#include <atomic>

#include "arguments.h"
#include "functions.h"
#include "promise_task.h"

namespace fairlead::edge {

namespace {

std::atomic<int64_t> open_count{0};

Napi::Value nothing(Napi::Env env, sys::Done&) {
  return env.Undefined();
}

Napi::Value toBuffer(Napi::Env env, const std::vector<uint8_t>& bytes) {
  return Napi::Buffer<uint8_t>::Copy(env, bytes.data(), bytes.size());
}

Napi::Value toNumbers(Napi::Env env, std::vector<uint32_t>& numbers) {
  auto array = Napi::Array::New(env, numbers.size());
  for (uint32_t index = 0; index < numbers.size(); index++)
    array.Set(index, Napi::Number::New(env, numbers[index]));
  return array;
}

Napi::Value toEntries(Napi::Env env, sys::BpfEntries& entries) {
  auto result = Napi::Object::New(env);
  result.Set("keys", toBuffer(env, entries.keys));
  result.Set("values", toBuffer(env, entries.values));
  return result;
}

}  // namespace

void BpfHandle::define(Napi::Env env) {
  auto constructor = DefineClass(
      env, "NativeBpfProgram",
      {InstanceAccessor<&BpfHandle::fd>("fd"), InstanceAccessor<&BpfHandle::id>("id"),
       InstanceAccessor<&BpfHandle::name>("name"), InstanceAccessor<&BpfHandle::tag>("tag"),
       InstanceMethod<&BpfHandle::update>("update"), InstanceMethod<&BpfHandle::remove>("remove"),
       InstanceMethod<&BpfHandle::attach>("attach"), InstanceMethod<&BpfHandle::detach>("detach"),
       InstanceMethod<&BpfHandle::entries>("entries"), InstanceMethod<&BpfHandle::close>("close")});
  Environment::of(env).bpf_class = Napi::Persistent(constructor);
}

Napi::Value BpfHandle::make(Napi::Env env, sys::SharedProgram& program) {
  auto& environment = Environment::of(env);
  return environment.construct(environment.bpf_class, &program);
}

int64_t BpfHandle::openCount() {
  return open_count.load();
}

BpfHandle::BpfHandle(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  program_ =
      std::move(*static_cast<sys::SharedProgram*>(Environment::of(info.Env()).takeAdopted("loadBpf()")));
  open_count += 1;
}

BpfHandle::~BpfHandle() {
  release();
}

sys::SharedProgram BpfHandle::program() const {
  return program_ ? program_ : std::make_shared<const sys::BpfProgram>();
}

Napi::Value BpfHandle::fd(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), program()->fd.get());
}

Napi::Value BpfHandle::id(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), program()->id);
}

Napi::Value BpfHandle::name(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), program()->name);
}

Napi::Value BpfHandle::tag(const Napi::CallbackInfo& info) {
  return Napi::BigInt::New(info.Env(), program()->tag);
}

Napi::Value BpfHandle::update(const Napi::CallbackInfo& info) {
  const auto map = stringArgument(info[0], "map");
  const auto keys = bytesArgument(info[1], "keys");
  const auto values = bytesArgument(info[2], "values");
  auto work = [program = program(), map, entries = sys::BpfEntries{copyBytes(keys), copyBytes(values)}] {
    return sys::updateBpf(program, map, entries);
  };
  return promiseOnPool(info.Env(), std::move(work), nothing);
}

Napi::Value BpfHandle::remove(const Napi::CallbackInfo& info) {
  const auto map = stringArgument(info[0], "map");
  auto work = [program = program(), map, keys = copyBytes(bytesArgument(info[1], "keys"))] {
    return sys::removeBpf(program, map, keys);
  };
  return promiseOnPool(info.Env(), std::move(work), nothing);
}

Napi::Value BpfHandle::attach(const Napi::CallbackInfo& info) {
  auto work = [program = program(), target = namespaceArgument(info[0], "namespace"),
               link = integerArgument(info[1], "link", 1, kMostInt)] {
    return sys::attachBpf(program, target, link);
  };
  return promiseOnPool(info.Env(), std::move(work), nothing);
}

Napi::Value BpfHandle::detach(const Napi::CallbackInfo& info) {
  auto work = [program = program(), target = namespaceArgument(info[0], "namespace"),
               link = integerArgument(info[1], "link", 1, kMostInt)] {
    return sys::detachBpf(program, target, link);
  };
  return promiseOnPool(info.Env(), std::move(work), nothing);
}

Napi::Value BpfHandle::entries(const Napi::CallbackInfo& info) {
  auto work = [program = program(), map = stringArgument(info[0], "map")] {
    return sys::readBpf(program, map);
  };
  return promiseOnPool(info.Env(), std::move(work), toEntries);
}

void BpfHandle::close(const Napi::CallbackInfo&) {
  release();
}

void BpfHandle::release() {
  if (!program_) return;
  program_.reset();
  open_count -= 1;
}

Napi::Value attachedBpf(const Napi::CallbackInfo& info) {
  auto work = [target = namespaceArgument(info[0], "namespace"),
               link = integerArgument(info[1], "link", 1, kMostInt)] {
    return sys::attachedBpf(target, link);
  };
  return promiseOnPool(info.Env(), std::move(work), toNumbers);
}

Napi::Value loadBpf(const Napi::CallbackInfo& info) {
  auto work = [name = stringArgument(info[0], "name")] { return sys::loadBpf(name); };
  return promiseOnPool(info.Env(), std::move(work), BpfHandle::make);
}

Napi::Value openBpf(const Napi::CallbackInfo& info) {
  auto work = [id = integerArgument(info[0], "id", 1, kMostInt)] { return sys::openBpf(id); };
  return promiseOnPool(info.Env(), std::move(work), BpfHandle::make);
}

}  // namespace fairlead::edge
