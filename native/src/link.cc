#include "link.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <set>
#include <vector>

#include "object.h"

namespace bpflab {

Napi::Value WrapLink(const Napi::CallbackInfo& info, bpf_link* link, const LibbpfLog& log) {
  int error = errno;
  if (!link) throw SystemError(info.Env(), error, "attach", log.text());
  return Wrap(info.Env(), std::make_shared<Link>(link));
}

namespace {

// bpf_program__attach(object, program) -> link; the hook is the program's SEC()
Napi::Value Attach(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  bpf_program* program = object->Program(info.Env(), StringArg(info, 1));
  LibbpfLog log;
  return WrapLink(info, bpf_program__attach(program), log);
}

// bpf_program__attach_trace(object, program) -> link; the hook is the target that was set before it was loaded
Napi::Value AttachTrace(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  bpf_program* program = object->Program(info.Env(), StringArg(info, 1));
  LibbpfLog log;
  return WrapLink(info, bpf_program__attach_trace(program), log);
}

// bpf_program__attach_raw_tracepoint(object, program, tracepoint) -> link
Napi::Value AttachRawTracepoint(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  bpf_program* program = object->Program(info.Env(), StringArg(info, 1));
  std::string tracepoint = StringArg(info, 2);
  LibbpfLog log;
  return WrapLink(info, bpf_program__attach_raw_tracepoint(program, tracepoint.c_str()), log);
}

// bpf_link__fd(link) -> its descriptor; it stays the link's
Napi::Value LinkFd(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), Unwrap<Link>(info, 0)->fd());
}

// What the kernel takes for BPF_LINK_CREATE. libbpf 1.1 refuses the kinds of links that are newer than itself, so
// these go to the kernel as they are; it wants the bytes it does not know to be zero.
struct LinkCreate {
  uint32_t program, target, type, flags;
  uint8_t more[48];
};

Napi::Value CreateLink(const Napi::CallbackInfo& info, LinkCreate& create) {
  long fd = syscall(SYS_bpf, BPF_LINK_CREATE, &create, sizeof create);
  if (fd < 0) throw SystemError(info.Env(), errno, "bpf_link_create");
  return Wrap(info.Env(), std::make_shared<Link>(static_cast<int>(fd)));
}

// bpf_link_create(object, program, target, attach_type, flags?, more?) -> link
// target: an interface's index (XDP, TCX) or a descriptor (a cgroup, a network namespace, a sock map);
// more: what linux/bpf.h has behind the flags for this kind of link
Napi::Value Create(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  bpf_program* program = object->Program(info.Env(), StringArg(info, 1));
  LinkCreate create = {};
  create.program = static_cast<uint32_t>(bpf_program__fd(program));
  create.target = static_cast<uint32_t>(IntArg(info, 2, 0, INT32_MAX));
  create.type = static_cast<uint32_t>(IntArg(info, 3, 0, 1000));
  if (info[4].IsNumber()) create.flags = static_cast<uint32_t>(IntArg(info, 4, 0, UINT32_MAX));
  if (info[5].IsBuffer()) {
    auto more = BytesArg(info, 5);
    if (more.Length() > sizeof create.more) ThrowArgument(info.Env(), "a link takes no more than 48 bytes more");
    memcpy(create.more, more.Data(), more.Length());
  }
  return CreateLink(info, create);
}

std::vector<uint64_t> Numbers(const Napi::Object& options, const char* name) {
  std::vector<uint64_t> all;
  Napi::Value list = options.Get(name);
  if (!list.IsArray()) return all;
  auto array = list.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); i++) {
    bool lossless;
    all.push_back(array.Get(i).As<Napi::BigInt>().Uint64Value(&lossless));
  }
  return all;
}

// bpf_link_create_kprobe_multi(object, program, { addresses, attachType, isReturn }) -> link
// By addresses: libbpf 1.1 takes all of /proc/kallsyms that match, and the kernel none of them when one cannot be
// traced.
Napi::Value CreateKprobeMulti(const Napi::CallbackInfo& info) {
  auto env = info.Env();
  bpf_program* program = Unwrap<Object>(info, 0)->Program(env, StringArg(info, 1));
  auto options = info[2].As<Napi::Object>();
  auto addresses = Numbers(options, "addresses");
  struct {
    uint32_t flags, count;
    uint64_t symbols, addresses, cookies;
  } probes = {};
  probes.flags = options.Get("isReturn").ToBoolean() ? 1 : 0;  // BPF_F_KPROBE_MULTI_RETURN
  probes.count = static_cast<uint32_t>(addresses.size());
  probes.addresses = reinterpret_cast<uint64_t>(addresses.data());
  LinkCreate create = {};
  create.program = static_cast<uint32_t>(bpf_program__fd(program));
  create.type = options.Get("attachType").As<Napi::Number>().Uint32Value();
  memcpy(create.more, &probes, sizeof probes);
  return CreateLink(info, create);
}

// bpf_link_create_uprobe_multi(object, program, { path, offsets, attachType, isReturn, pid?, cookies? }) -> link
Napi::Value CreateUprobeMulti(const Napi::CallbackInfo& info) {
  auto env = info.Env();
  auto object = Unwrap<Object>(info, 0);
  bpf_program* program = object->Program(env, StringArg(info, 1));
  auto options = info[2].As<Napi::Object>();
  std::string path = options.Get("path").As<Napi::String>().Utf8Value();
  auto offsets = Numbers(options, "offsets"), cookies = Numbers(options, "cookies");
  struct {
    uint64_t path, offsets, reference_counters, cookies;
    uint32_t count, flags, pid;
  } probes = {};
  static_assert(sizeof probes == 48);
  probes.path = reinterpret_cast<uint64_t>(path.c_str());
  probes.offsets = reinterpret_cast<uint64_t>(offsets.data());
  probes.cookies = cookies.empty() ? 0 : reinterpret_cast<uint64_t>(cookies.data());
  probes.count = static_cast<uint32_t>(offsets.size());
  probes.flags = options.Get("isReturn").ToBoolean() ? 1 : 0;  // BPF_F_UPROBE_MULTI_RETURN
  if (options.Get("pid").IsNumber()) probes.pid = options.Get("pid").As<Napi::Number>().Uint32Value();
  LinkCreate create = {};
  create.program = static_cast<uint32_t>(bpf_program__fd(program));
  create.type = options.Get("attachType").As<Napi::Number>().Uint32Value();
  memcpy(create.more, &probes, sizeof probes);
  return CreateLink(info, create);
}

// bpf_prog_attach(object, program, target, attach_type) -> what takes it off again: for kernels without a link of this
// kind. Only for targets that go with their own descriptors, as a sock map does, so that it goes with the process too.
Napi::Value AttachTo(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  bpf_program* program = object->Program(info.Env(), StringArg(info, 1));
  auto type = static_cast<bpf_attach_type>(IntArg(info, 3, 0, 1000));
  Fd target(fcntl(static_cast<int>(IntArg(info, 2, 0, INT32_MAX)), F_DUPFD_CLOEXEC, 0));
  if (target.get() < 0) throw SystemError(info.Env(), errno, "dup");
  auto held = std::make_shared<Fd>(fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 0));
  int error = bpf_prog_attach(held->get(), target.get(), type, 0);
  if (error) throw SystemError(info.Env(), error, "bpf_prog_attach");
  return Wrap(info.Env(), std::make_shared<Link>(target.release(),
                                                 [held, type](int fd) { bpf_prog_detach2(held->get(), fd, type); }));
}

// bpf_map__attach_struct_ops(object, map) -> link
// A real one where the kernel has it (>= 6.4), for a map that was made with BPF_F_LINK; libbpf 1.1 only registers, and
// what it registers outlives a process that is killed.
Napi::Value AttachStructOps(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  bpf_map* map = object->Map(info.Env(), StringArg(info, 1));
  LibbpfLog log;
  bpf_link* registered = bpf_map__attach_struct_ops(map);
  if (!(bpf_map__map_flags(map) & kStructOpsLink)) return WrapLink(info, registered, log);
  // With the flag this only fills the map in, and says EBUSY when it is filled.
  if (!registered && errno != EBUSY) return WrapLink(info, registered, log);
  if (registered) {
    bpf_link__disconnect(registered);
    bpf_link__destroy(registered);
  }
  LinkCreate create = {};
  create.program = static_cast<uint32_t>(bpf_map__fd(map));
  create.type = 44;  // BPF_STRUCT_OPS
  return CreateLink(info, create);
}

// bpf_iter_read(link) -> all that an iterator prints in one pass
Napi::Value ReadIterator(const Napi::CallbackInfo& info) {
  auto link = Unwrap<Link>(info, 0);
  Fd iterator(bpf_iter_create(link->fd()));
  if (iterator.get() < 0) throw SystemError(info.Env(), errno, "bpf_iter_create");
  std::vector<uint8_t> bytes;
  for (;;) {
    size_t before = bytes.size();
    bytes.resize(before + 64 * 1024);
    ssize_t length = read(iterator.get(), bytes.data() + before, 64 * 1024);
    bytes.resize(before + static_cast<size_t>(std::max<ssize_t>(length, 0)));
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) continue;  // it took a break; its last words are to come
    if (length < 0) throw SystemError(info.Env(), errno, "read the iterator");
    if (length == 0) break;
  }
  return Napi::Buffer<uint8_t>::Copy(info.Env(), bytes.data(), bytes.size());
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
  exports.Set("bpf_program__attach_trace", Napi::Function::New(env, AttachTrace));
  exports.Set("bpf_program__attach_raw_tracepoint", Napi::Function::New(env, AttachRawTracepoint));
  exports.Set("bpf_link__fd", Napi::Function::New(env, LinkFd));
  exports.Set("bpf_link_create", Napi::Function::New(env, Create));
  exports.Set("bpf_link_create_kprobe_multi", Napi::Function::New(env, CreateKprobeMulti));
  exports.Set("bpf_link_create_uprobe_multi", Napi::Function::New(env, CreateUprobeMulti));
  exports.Set("bpf_prog_attach", Napi::Function::New(env, AttachTo));
  exports.Set("bpf_map__attach_struct_ops", Napi::Function::New(env, AttachStructOps));
  exports.Set("bpf_iter_read", Napi::Function::New(env, ReadIterator));
  exports.Set("bpf_link_update", Napi::Function::New(env, Update));
  exports.Set("bpf_link__destroy", Napi::Function::New(env, Destroy));
}

}  // namespace bpflab
