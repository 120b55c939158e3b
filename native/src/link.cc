#include "link.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <future>
#include <set>
#include <vector>

#include "object.h"

namespace bpflab {

namespace {

Napi::Value WrapLink(const Napi::CallbackInfo& info, bpf_link* link, const LibbpfLog& log) {
  int error = errno;
  if (!link) throw SystemError(info.Env(), error, "attach", log.text());
  return Wrap(info.Env(), std::make_shared<Link>(link));
}

// bpf_program__attach(object, program) -> link; the hook is the program's SEC()
Napi::Value Attach(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  bpf_program* program = object->Program(info.Env(), StringArg(info, 1));
  LibbpfLog log;
  return WrapLink(info, bpf_program__attach(program), log);
}

// bpf_program__attach_tracepoint_id(object, program, id) -> link
// libbpf reads the id from a mounted tracefs; here the caller brings it, so that none needs to be mounted.
Napi::Value AttachTracepointId(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  bpf_program* program = object->Program(info.Env(), StringArg(info, 1));
  perf_event_attr attr = {};
  attr.type = PERF_TYPE_TRACEPOINT;
  attr.size = sizeof attr;
  attr.config = static_cast<uint64_t>(IntArg(info, 2, 0, UINT32_MAX));
  Fd event(static_cast<int>(syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC)));
  if (event.get() < 0) throw SystemError(info.Env(), errno, "perf_event_open");
  LibbpfLog log;
  bpf_link* link = bpf_program__attach_perf_event(program, event.get());
  if (link) event.release();  // the link owns it now
  return WrapLink(info, link, log);
}

// bpf_link_create(object, program, target, attach_type) -> link; target is an interface index for TCX and XDP
Napi::Value Create(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  bpf_program* program = object->Program(info.Env(), StringArg(info, 1));
  int target = static_cast<int>(IntArg(info, 2, 0, INT32_MAX));
  auto type = static_cast<bpf_attach_type>(IntArg(info, 3, 0, 1000));
  int fd = bpf_link_create(bpf_program__fd(program), target, type, nullptr);
  if (fd < 0) throw SystemError(info.Env(), fd, "bpf_link_create");
  return Wrap(info.Env(), std::make_shared<Link>(fd));
}

// bpf_link_update(link, object, program): swaps the program atomically where the kernel can
Napi::Value Update(const Napi::CallbackInfo& info) {
  auto link = Unwrap<Link>(info, 0);
  auto object = Unwrap<Object>(info, 1);
  bpf_program* program = object->Program(info.Env(), StringArg(info, 2));
  int error = bpf_link_update(link->fd(), bpf_program__fd(program), nullptr);
  if (error) throw SystemError(info.Env(), error, "bpf_link_update");
  return info.Env().Undefined();
}

// bpf_link__destroy(link...): all at the same time, because the kernel waits for a grace period, some 20 ms, before it
// lets go of one
Napi::Value Destroy(const Napi::CallbackInfo& info) {
  std::set<std::shared_ptr<Link>> links;
  for (size_t i = 0; i < info.Length(); i++) links.insert(UnwrapAny<Link>(info, i));
  // One needs no thread; for more there may be none to be had, and then one after the other does it too.
  auto policy = links.size() > 1 ? std::launch::async | std::launch::deferred : std::launch::deferred;
  std::vector<std::future<void>> closed;
  for (auto& link : links) closed.push_back(std::async(policy, [&link] { link->Close(); }));
  for (auto& one : closed) one.get();
  return info.Env().Undefined();
}

}  // namespace

void InitLink(Napi::Env env, Napi::Object exports) {
  exports.Set("bpf_program__attach", Napi::Function::New(env, Attach));
  exports.Set("bpf_program__attach_tracepoint_id", Napi::Function::New(env, AttachTracepointId));
  exports.Set("bpf_link_create", Napi::Function::New(env, Create));
  exports.Set("bpf_link_update", Napi::Function::New(env, Update));
  exports.Set("bpf_link__destroy", Napi::Function::New(env, Destroy));
}

}  // namespace bpflab
