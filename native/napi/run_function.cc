#include "../linux/process.h"
#include "arguments.h"
#include "functions.h"
#include "promise_task.h"

namespace fairlead::edge {

namespace {

/**
 * This process's environment, read through JavaScript: node writes it from other threads behind a lock of
 * its own, which getenv(3) here would not hold.
 */
std::vector<std::string> processEnvironment(Napi::Env env) {
  const auto process = env.Global().Get("process").As<Napi::Object>();
  const auto variables = process.Get("env").As<Napi::Object>();
  const auto names = variables.GetPropertyNames();
  std::vector<std::string> strings;
  for (uint32_t index = 0; index < names.Length(); index++) {
    const Napi::Value name = names.Get(index);
    const Napi::Value value = variables.Get(name);
    strings.push_back(name.ToString().Utf8Value() + "=" + value.ToString().Utf8Value());
  }
  return strings;
}

/** Of this process also when the program gets another environment: execvp(3) does the same. */
std::string searchPath(Napi::Env env) {
  const auto process = env.Global().Get("process").As<Napi::Object>();
  const Napi::Value path = process.Get("env").As<Napi::Object>().Get("PATH");
  return path.IsString() ? path.As<Napi::String>().Utf8Value() : "/usr/local/bin:/usr/bin:/bin";
}

std::vector<std::string> environmentArgument(const Napi::Value& value) {
  if (value.IsUndefined()) return processEnvironment(value.Env());
  auto strings = stringsArgument(value, "options.env");
  for (std::size_t index = 0; index < strings.size(); index++) {
    if (strings[index].find('=') != std::string::npos) continue;
    throw argumentError(value.Env(), "options.env[" + std::to_string(index) + "]", "of the form NAME=value");
  }
  return strings;
}

sys::RunRequest runArguments(const Napi::CallbackInfo& info) {
  sys::RunRequest request;
  request.target = namespaceArgument(info[0], "ref");
  const auto options = objectArgument(info[1], "options");
  request.program.argv = stringsArgument(options.Get("argv"), "options.argv");
  if (request.program.argv.empty() || request.program.argv.front().empty()) {
    throw argumentError(info.Env(), "options.argv", "a program and its arguments");
  }
  request.program.env = environmentArgument(options.Get("env"));
  request.program.search_path = searchPath(info.Env());
  request.timeout_ms = integerArgument(options.Get("timeoutMs"), "options.timeoutMs", 1, kMostInt);
  request.max_output_bytes =
      integerArgument(options.Get("maxOutputBytes"), "options.maxOutputBytes", 0, kMostInt);
  const Napi::Value input = options.Get("stdin");
  request.program.pipe_stdin = !input.IsUndefined();
  if (request.program.pipe_stdin) request.input = copyBytes(bytesArgument(input, "options.stdin"));
  return request;
}

Napi::Value orNull(Napi::Env env, const std::optional<int>& number) {
  if (!number) return env.Null();
  return Napi::Number::New(env, *number);
}

Napi::Value toRunResult(Napi::Env env, sys::RunOutcome& outcome) {
  auto result = Napi::Object::New(env);
  result.Set("status", orNull(env, outcome.status));
  result.Set("signal", orNull(env, outcome.signal));
  result.Set("stdout", Napi::Buffer<uint8_t>::Copy(env, outcome.out.data(), outcome.out.size()));
  result.Set("stderr", Napi::Buffer<uint8_t>::Copy(env, outcome.err.data(), outcome.err.size()));
  return result;
}

}  // namespace

/** Never on the pool, own namespace or not: a program may last, and four of them would stop all file I/O. */
Napi::Value runInNamespace(const Napi::CallbackInfo& info) {
  auto work = [request = runArguments(info), stop = Environment::of(info.Env()).stop()] {
    return sys::runHere(request, *stop);
  };
  return promiseOnThread(info.Env(), std::move(work), toRunResult);
}

}  // namespace fairlead::edge
