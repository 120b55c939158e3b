// Attaching to hooks that need more than the program's SEC(): bpf_program__attach_*, with what they take as options.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/perf_event.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vector>

#include "link.h"
#include "map.h"
#include "object.h"

namespace bpflab {

namespace {

// The fields of an options argument, each with what it is when it is not given.
class Options {
 public:
  Options(const Napi::CallbackInfo& info, size_t index)
      : fields_(info[index].IsObject() ? info[index].As<Napi::Object>() : Napi::Object::New(info.Env())) {}

  int64_t Int(const char* name, int64_t otherwise) const {
    Napi::Value value = fields_.Get(name);
    return value.IsNumber() ? value.As<Napi::Number>().Int64Value() : otherwise;
  }
  uint64_t Cookie() const {
    Napi::Value value = fields_.Get("cookie");
    bool lossless;
    return value.IsBigInt() ? value.As<Napi::BigInt>().Uint64Value(&lossless) : static_cast<uint64_t>(Int("cookie", 0));
  }
  bool Has(const char* name) const { return !fields_.Get(name).IsUndefined(); }
  bool Bool(const char* name) const { return fields_.Get(name).ToBoolean(); }
  std::string Text(const char* name) const {
    Napi::Value value = fields_.Get(name);
    return value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
  }

 private:
  Napi::Object fields_;
};

bpf_program* ProgramArg(const Napi::CallbackInfo& info) {
  return Unwrap<Object>(info, 0)->Program(info.Env(), StringArg(info, 1));
}

// bpf_program__attach_perf_event(object, program, { type, config, period?, frequency?, pid?, cpu?, inherit? }) -> link
// Opens the event too. A tracepoint is one by its id: libbpf reads the id from a mounted tracefs; here the caller
// brings it, so that none needs to be mounted.
Napi::Value AttachPerfEvent(const Napi::CallbackInfo& info) {
  bpf_program* program = ProgramArg(info);
  Options options(info, 2);
  perf_event_attr attr = {};
  attr.size = sizeof attr;
  attr.type = static_cast<uint32_t>(options.Int("type", PERF_TYPE_TRACEPOINT));
  attr.config = static_cast<uint64_t>(options.Int("config", 0));
  attr.inherit = options.Bool("inherit");
  attr.freq = options.Has("frequency");
  attr.sample_period = static_cast<uint64_t>(options.Int(attr.freq ? "frequency" : "period", 0));
  int pid = static_cast<int>(options.Int("pid", -1)), cpu = static_cast<int>(options.Int("cpu", -1));
  Fd event(static_cast<int>(syscall(SYS_perf_event_open, &attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
  if (event.get() < 0) throw SystemError(info.Env(), errno, "perf_event_open");
  LIBBPF_OPTS(bpf_perf_event_opts, how, .bpf_cookie = options.Cookie());
  LibbpfLog log;
  bpf_link* link = bpf_program__attach_perf_event_opts(program, event.get(), &how);
  if (link) event.release();  // the link owns it now
  return WrapLink(info, link, log);
}

// bpf_program__attach_kprobe(object, program, function, { offset?, cookie?, isReturn? }) -> link
Napi::Value AttachKprobe(const Napi::CallbackInfo& info) {
  bpf_program* program = ProgramArg(info);
  std::string function = StringArg(info, 2);
  Options options(info, 3);
  LIBBPF_OPTS(bpf_kprobe_opts, how, .bpf_cookie = options.Cookie(),
              .offset = static_cast<size_t>(options.Int("offset", 0)), .retprobe = options.Bool("isReturn"));
  LibbpfLog log;
  return WrapLink(info, bpf_program__attach_kprobe_opts(program, function.c_str(), &how), log);
}

// bpf_program__attach_ksyscall(object, program, syscall, { cookie?, isReturn? }) -> link
Napi::Value AttachKsyscall(const Napi::CallbackInfo& info) {
  bpf_program* program = ProgramArg(info);
  std::string name = StringArg(info, 2);
  Options options(info, 3);
  LIBBPF_OPTS(bpf_ksyscall_opts, how, .bpf_cookie = options.Cookie(), .retprobe = options.Bool("isReturn"));
  LibbpfLog log;
  return WrapLink(info, bpf_program__attach_ksyscall(program, name.c_str(), &how), log);
}

// bpf_program__attach_uprobe(object, program, path, { function?, offset?, pid?, cookie?, isReturn? }) -> link
Napi::Value AttachUprobe(const Napi::CallbackInfo& info) {
  bpf_program* program = ProgramArg(info);
  std::string path = StringArg(info, 2);
  Options options(info, 3);
  std::string function = options.Text("function");
  LIBBPF_OPTS(bpf_uprobe_opts, how, .bpf_cookie = options.Cookie(), .retprobe = options.Bool("isReturn"),
              .func_name = function.empty() ? nullptr : function.c_str());
  LibbpfLog log;
  return WrapLink(info,
                  bpf_program__attach_uprobe_opts(program, static_cast<int>(options.Int("pid", -1)), path.c_str(),
                                                  static_cast<size_t>(options.Int("offset", 0)), &how),
                  log);
}

// bpf_program__attach_usdt(object, program, path, { provider, probe, pid?, cookie? }) -> link
Napi::Value AttachUsdt(const Napi::CallbackInfo& info) {
  bpf_program* program = ProgramArg(info);
  std::string path = StringArg(info, 2);
  Options options(info, 3);
  LIBBPF_OPTS(bpf_usdt_opts, how, .usdt_cookie = options.Cookie());
  LibbpfLog log;
  return WrapLink(info,
                  bpf_program__attach_usdt(program, static_cast<int>(options.Int("pid", -1)), path.c_str(),
                                           options.Text("provider").c_str(), options.Text("probe").c_str(), &how),
                  log);
}

// bpf_program__attach_iter(object, program, { map?, cgroup?, pid?, tid? }) -> link
// map and cgroup: descriptors of what it walks over
Napi::Value AttachIterator(const Napi::CallbackInfo& info) {
  bpf_program* program = ProgramArg(info);
  Options options(info, 2);
  bpf_iter_link_info target = {};
  if (options.Has("map")) target.map.map_fd = static_cast<uint32_t>(options.Int("map", 0));
  if (options.Has("cgroup")) {
    target.cgroup.order = BPF_CGROUP_ITER_DESCENDANTS_PRE;
    target.cgroup.cgroup_fd = static_cast<uint32_t>(options.Int("cgroup", 0));
  }
  if (options.Has("pid")) target.task.pid = static_cast<uint32_t>(options.Int("pid", 0));
  if (options.Has("tid")) target.task.tid = static_cast<uint32_t>(options.Int("tid", 0));
  bool chosen = options.Has("map") || options.Has("cgroup") || options.Has("pid") || options.Has("tid");
  LIBBPF_OPTS(bpf_iter_attach_opts, how, .link_info = chosen ? &target : nullptr,
              .link_info_len = chosen ? static_cast<uint32_t>(sizeof target) : 0);
  LibbpfLog log;
  return WrapLink(info, bpf_program__attach_iter(program, &how), log);
}

// socket_attach_bpf(object, program, socket) -> what takes the filter off again
Napi::Value AttachSocket(const Napi::CallbackInfo& info) {
  bpf_program* program = ProgramArg(info);
  Fd socket(fcntl(static_cast<int>(IntArg(info, 2, 0, INT32_MAX)), F_DUPFD_CLOEXEC, 0));
  if (socket.get() < 0) throw SystemError(info.Env(), errno, "dup");
  int fd = bpf_program__fd(program);
  if (setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_BPF, &fd, sizeof fd))
    throw SystemError(info.Env(), errno, "SO_ATTACH_BPF");
  return Wrap(info.Env(), std::make_shared<Link>(socket.release(), [](int held) {
                int none = 0;
                setsockopt(held, SOL_SOCKET, SO_DETACH_BPF, &none, sizeof none);
              }));
}

// packet_socket_attach_bpf(object, program, ifindex) -> a packet socket of its own, which is gone when this is closed.
// It sees every packet of the interface, 0: of all; a filter that lets one through fills its buffer, and nobody reads
// it.
Napi::Value AttachPacketSocket(const Napi::CallbackInfo& info) {
  bpf_program* program = ProgramArg(info);
  Fd packets(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));  // protocol 0: none before the filter is there
  if (packets.get() < 0) throw SystemError(info.Env(), errno, "packet socket");
  int fd = bpf_program__fd(program);
  if (setsockopt(packets.get(), SOL_SOCKET, SO_ATTACH_BPF, &fd, sizeof fd))
    throw SystemError(info.Env(), errno, "SO_ATTACH_BPF");
  sockaddr_ll address = {};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(IntArg(info, 2, 0, INT32_MAX));
  if (bind(packets.get(), reinterpret_cast<sockaddr*>(&address), sizeof address))
    throw SystemError(info.Env(), errno, "bind the packet socket");
  return Wrap(info.Env(), std::make_shared<Link>(packets.release()));
}

// bpf_map__fd(map) -> its descriptor, for calls that take one; it stays the map's
Napi::Value MapFd(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), Unwrap<Map>(info, 0)->fd()); }

// bpf_program__fd(object, program) -> its descriptor, likewise
Napi::Value ProgramFd(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), bpf_program__fd(ProgramArg(info)));
}

}  // namespace

void InitAttach(Napi::Env env, Napi::Object exports) {
  exports.Set("bpf_program__attach_perf_event", Napi::Function::New(env, AttachPerfEvent));
  exports.Set("bpf_program__attach_kprobe", Napi::Function::New(env, AttachKprobe));
  exports.Set("bpf_program__attach_ksyscall", Napi::Function::New(env, AttachKsyscall));
  exports.Set("bpf_program__attach_uprobe", Napi::Function::New(env, AttachUprobe));
  exports.Set("bpf_program__attach_usdt", Napi::Function::New(env, AttachUsdt));
  exports.Set("bpf_program__attach_iter", Napi::Function::New(env, AttachIterator));
  exports.Set("socket_attach_bpf", Napi::Function::New(env, AttachSocket));
  exports.Set("packet_socket_attach_bpf", Napi::Function::New(env, AttachPacketSocket));
  exports.Set("bpf_map__fd", Napi::Function::New(env, MapFd));
  exports.Set("bpf_program__fd", Napi::Function::New(env, ProgramFd));
}

}  // namespace bpflab
