// Handles: C++ objects that JavaScript holds as type-tagged externals.
//
// A handle closes once, whoever asks first: JavaScript, the garbage collector, or
// the reaper when the process ends. A call with a handle of another kind, or with
// one that is closed, throws instead of touching memory.
#pragma once

#include <napi.h>

#include <memory>
#include <string>

namespace bpflab {

class Closable {
 public:
  virtual ~Closable() = default;
  // Idempotent; frees what the kernel or libbpf holds.
  virtual void Close() = 0;
  virtual bool IsClosed() const = 0;
};

// Each handle class names itself and carries its own tag.
#define BPFLAB_HANDLE(kind, lower, upper)    \
  static constexpr const char* kKind = kind; \
  static constexpr napi_type_tag kTag = {lower, upper}

// Remembers a handle so that the reaper closes it, newest first, when the environment ends.
void Reap(Napi::Env env, const std::weak_ptr<Closable>& handle);
// Called once per environment; installs the reaper.
void InstallReaper(Napi::Env env);

// What the kernel says for "this map type cannot do that"; it should not leave the kernel, so no C library knows it.
constexpr int kNotSupported = 524;

// An Error with errno and its name as fields, and libbpf's words as `log`.
Napi::Error SystemError(Napi::Env env, int error, const std::string& what, const std::string& log = "");
[[noreturn]] void ThrowArgument(Napi::Env env, const std::string& what);

template <class T>
Napi::Value Wrap(Napi::Env env, std::shared_ptr<T> handle) {
  Reap(env, std::static_pointer_cast<Closable>(handle));
  auto external = Napi::External<std::shared_ptr<T>>::New(env, new std::shared_ptr<T>(std::move(handle)),
                                                          [](Napi::Env, std::shared_ptr<T>* held) { delete held; });
  external.TypeTag(&T::kTag);
  return external;
}

// The handle in an argument, closed or not.
template <class T>
std::shared_ptr<T> UnwrapAny(const Napi::CallbackInfo& info, size_t index) {
  Napi::Value value = info[index];
  if (!value.IsExternal() || !value.As<Napi::External<std::shared_ptr<T>>>().CheckTypeTag(&T::kTag)) {
    ThrowArgument(info.Env(),
                  std::string("argument ") + std::to_string(index + 1) + " is not a " + T::kKind + " handle");
  }
  return *value.As<Napi::External<std::shared_ptr<T>>>().Data();
}

// The handle in an argument; throws EBADF when it is closed.
template <class T>
std::shared_ptr<T> Unwrap(const Napi::CallbackInfo& info, size_t index) {
  auto handle = UnwrapAny<T>(info, index);
  if (handle->IsClosed()) throw SystemError(info.Env(), 9 /* EBADF */, std::string("this ") + T::kKind + " is closed");
  return handle;
}

// X_close(handle): idempotent.
template <class T>
Napi::Value CloseHandle(const Napi::CallbackInfo& info) {
  UnwrapAny<T>(info, 0)->Close();
  return info.Env().Undefined();
}

// A number, or a BigInt where a number could not tell it from its neighbours.
Napi::Value Integer(Napi::Env env, uint64_t bits, bool is_signed);

std::string StringArg(const Napi::CallbackInfo& info, size_t index);
int64_t IntArg(const Napi::CallbackInfo& info, size_t index, int64_t low, int64_t high);
Napi::Buffer<uint8_t> BytesArg(const Napi::CallbackInfo& info, size_t index);
// Bytes of exactly this size, or an exception that says both sizes.
Napi::Buffer<uint8_t> BytesArg(const Napi::CallbackInfo& info, size_t index, size_t size, const char* what);

// Collects what libbpf prints on this thread while it lives.
class LibbpfLog {
 public:
  LibbpfLog();
  ~LibbpfLog();
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// A file descriptor that closes itself.
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  ~Fd() { Reset(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  int release() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void Reset(int fd = -1);

 private:
  int fd_;
};

// A handle that is no more than a descriptor.
class Descriptor : public Closable {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}

  void Close() override { fd_.Reset(); }
  bool IsClosed() const override { return fd_.get() < 0; }
  int fd() const { return fd_.get(); }

 private:
  Fd fd_;
};

void InitAttach(Napi::Env env, Napi::Object exports);
void InitBtf(Napi::Env env, Napi::Object exports);
void InitDrain(Napi::Env env, Napi::Object exports);
void InitKernel(Napi::Env env, Napi::Object exports);
void InitLink(Napi::Env env, Napi::Object exports);
void InitMap(Napi::Env env, Napi::Object exports);
void InitObject(Napi::Env env, Napi::Object exports);
void InitProgram(Napi::Env env, Napi::Object exports);
void InitRecords(Napi::Env env, Napi::Object exports);
void InitSystem(Napi::Env env, Napi::Object exports);
void InitSymbols(Napi::Env env, Napi::Object exports);
void InitTc(Napi::Env env, Napi::Object exports);
void InitUserRing(Napi::Env env, Napi::Object exports);

}  // namespace bpflab
