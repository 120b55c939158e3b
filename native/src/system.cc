// What the addon asks of the system outside BPF objects.
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/mount.h>  // glibc has it in sys/mount.h since 2.36
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "handle.h"

namespace bpflab {

namespace {

class Mount : public Descriptor {
 public:
  BPFLAB_HANDLE("mount", 0x6270666c61620004, 0x6d6f756e74000004);
  using Descriptor::Descriptor;
};

// fsmount(type) -> mount: a file system mounted for this process alone, under no path.
// It goes with its descriptor, so nothing is left behind even after SIGKILL (kernel >= 5.2).
Napi::Value MountDetached(const Napi::CallbackInfo& info) {
  std::string type = StringArg(info, 0);
  Fd context(static_cast<int>(syscall(SYS_fsopen, type.c_str(), FSOPEN_CLOEXEC)));
  if (context.get() < 0) throw SystemError(info.Env(), errno, "fsopen " + type);
  if (syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0)
    throw SystemError(info.Env(), errno, "fsconfig " + type);
  int fd = static_cast<int>(syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, 0));
  if (fd < 0) throw SystemError(info.Env(), errno, "fsmount " + type);
  return Wrap(info.Env(), std::make_shared<Mount>(fd));
}

// fsmount_path(mount) -> a path under which this process sees it
Napi::Value MountPath(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), "/proc/self/fd/" + std::to_string(Unwrap<Mount>(info, 0)->fd()));
}

// pidfd_open(pid) -> a descriptor of a process
Napi::Value OpenProcess(const Napi::CallbackInfo& info) {
  auto pid = static_cast<pid_t>(IntArg(info, 0, 1, INT32_MAX));
  int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) throw SystemError(info.Env(), errno, "pidfd_open");
  return Napi::Number::New(info.Env(), fd);
}

// clock_monotonic() -> ns, the clock of bpf_ktime_get_ns()
Napi::Value Monotonic(const Napi::CallbackInfo& info) {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return Napi::Number::New(info.Env(), static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec));
}

}  // namespace

void InitSystem(Napi::Env env, Napi::Object exports) {
  exports.Set("libbpf_version_string", Napi::String::New(env, libbpf_version_string()));
  exports.Set("libbpf_num_possible_cpus", Napi::Number::New(env, libbpf_num_possible_cpus()));
  exports.Set("fsmount", Napi::Function::New(env, MountDetached));
  exports.Set("fsmount_path", Napi::Function::New(env, MountPath));
  exports.Set("fsmount_close", Napi::Function::New(env, CloseHandle<Mount>));
  exports.Set("pidfd_open", Napi::Function::New(env, OpenProcess));
  exports.Set("clock_monotonic", Napi::Function::New(env, Monotonic));
}

}  // namespace bpflab
