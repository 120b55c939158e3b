#include "handle.h"

#include <bpf/libbpf.h>
#include <string.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <vector>

namespace bpflab {

namespace {

struct Reaper {
  std::vector<std::weak_ptr<Closable>> handles;

  void Add(const std::weak_ptr<Closable>& handle) {
    // Forget the dead ones now and then, so that 10,000 reloads do not keep 10,000 entries.
    if (handles.size() == handles.capacity()) {
      std::vector<std::weak_ptr<Closable>> alive;
      for (auto& h : handles)
        if (!h.expired()) alive.push_back(std::move(h));
      alive.reserve(alive.size() * 2 + 64);
      handles = std::move(alive);
    }
    handles.push_back(handle);
  }

  void CloseAll() {
    for (auto it = handles.rbegin(); it != handles.rend(); ++it)
      if (auto handle = it->lock()) handle->Close();
    handles.clear();
  }
};

thread_local std::string* sink = nullptr;

int Print(enum libbpf_print_level level, const char* format, va_list args) {
  if (!sink || level == LIBBPF_DEBUG) return 0;
  char* line = nullptr;
  int length = vasprintf(&line, format, args);
  if (length >= 0) {
    sink->append(line, static_cast<size_t>(length));
    free(line);
  }
  return 0;
}

// The cleanup hook deletes the reaper: instance data goes later than the handles may.
void KeepReaper(Napi::Env, Reaper*) {}

}  // namespace

void InstallReaper(Napi::Env env) {
  auto* reaper = new Reaper();
  env.SetInstanceData<Reaper, KeepReaper>(reaper);
  env.AddCleanupHook(
      [](Reaper* r) {
        r->CloseAll();
        delete r;
      },
      reaper);
  libbpf_set_print(Print);
}

void Reap(Napi::Env env, const std::weak_ptr<Closable>& handle) { env.GetInstanceData<Reaper>()->Add(handle); }

Napi::Error SystemError(Napi::Env env, int error, const std::string& what, const std::string& log) {
  if (error < 0) error = -error;
  const char* name = strerrorname_np(error);
  char text[128];
  libbpf_strerror(error, text, sizeof text);  // the C library's words, and libbpf's for its own numbers from 4000
  if (error == kNotSupported) {
    name = "ENOTSUPP";
    strcpy(text, "Operation not supported");
  }
  auto thrown = Napi::Error::New(env, what + ": " + text);
  auto object = thrown.Value();
  object.Set("errno", Napi::Number::New(env, error));
  object.Set("code", Napi::String::New(env, name ? name : "ERROR"));
  object.Set("log", Napi::String::New(env, log));
  return thrown;
}

void ThrowArgument(Napi::Env env, const std::string& what) { throw Napi::TypeError::New(env, what); }

Napi::Value Integer(Napi::Env env, uint64_t bits, bool is_signed) {
  constexpr int64_t kMostExact = int64_t{1} << 53;
  const auto value = static_cast<int64_t>(bits);
  if (is_signed ? value >= -kMostExact && value <= kMostExact : bits <= static_cast<uint64_t>(kMostExact))
    return Napi::Number::New(env, static_cast<double>(value));
  return is_signed ? Napi::BigInt::New(env, value) : Napi::BigInt::New(env, bits);
}

std::string StringArg(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsString()) ThrowArgument(info.Env(), "argument " + std::to_string(index + 1) + " is not a string");
  return info[index].As<Napi::String>().Utf8Value();
}

int64_t IntArg(const Napi::CallbackInfo& info, size_t index, int64_t low, int64_t high) {
  if (info[index].IsNumber()) {
    double number = info[index].As<Napi::Number>().DoubleValue();
    if (number >= static_cast<double>(low) && number <= static_cast<double>(high) &&
        number == static_cast<int64_t>(number))
      return static_cast<int64_t>(number);
  }
  ThrowArgument(info.Env(), "argument " + std::to_string(index + 1) + " is not an integer from " + std::to_string(low) +
                                " to " + std::to_string(high));
}

Napi::Buffer<uint8_t> BytesArg(const Napi::CallbackInfo& info, size_t index) {
  if (!info[index].IsBuffer())
    ThrowArgument(info.Env(), "argument " + std::to_string(index + 1) + " is not a Uint8Array");
  return info[index].As<Napi::Buffer<uint8_t>>();
}

Napi::Buffer<uint8_t> BytesArg(const Napi::CallbackInfo& info, size_t index, size_t size, const char* what) {
  auto bytes = BytesArg(info, index);
  if (bytes.Length() != size) {
    ThrowArgument(info.Env(), std::string(what) + " takes " + std::to_string(size) + " bytes, got " +
                                  std::to_string(bytes.Length()));
  }
  return bytes;
}

LibbpfLog::LibbpfLog() { sink = &text_; }
LibbpfLog::~LibbpfLog() { sink = nullptr; }

void Fd::Reset(int fd) {
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
}

}  // namespace bpflab
