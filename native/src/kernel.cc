// What the kernel holds, whoever has loaded it: programs, maps and links by their ids and by where they are pinned.
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "link.h"
#include "map.h"
#include "object.h"

namespace bpflab {

namespace {

// A loaded program, by a descriptor of its own.
class Program : public Descriptor {
 public:
  BPFLAB_HANDLE("BPF program", 0x6270666c61620007, 0x70726f6772616d07);
  using Descriptor::Descriptor;
};

Napi::Value WrapMap(Napi::Env env, Fd& fd, bool readonly) {
  auto info = InfoOf<bpf_map_info>(env, fd.get());
  return Wrap(env, std::make_shared<Map>(fd.release(), info, readonly));
}

uint32_t IdArg(const Napi::CallbackInfo& info, size_t index) {
  return static_cast<uint32_t>(IntArg(info, index, 0, UINT32_MAX));
}

// bpf_map_get_fd_by_id(id, open_flags) -> map; BPF_F_RDONLY 8
Napi::Value MapById(const Napi::CallbackInfo& info) {
  LIBBPF_OPTS(bpf_get_fd_by_id_opts, options, .open_flags = IdArg(info, 1));
  Fd fd(bpf_map_get_fd_by_id_opts(IdArg(info, 0), &options));
  if (fd.get() < 0) throw SystemError(info.Env(), errno, "bpf_map_get_fd_by_id");
  return WrapMap(info.Env(), fd, options.open_flags & BPF_F_RDONLY);
}

// bpf_prog_get_fd_by_id(id) -> program
Napi::Value ProgramById(const Napi::CallbackInfo& info) {
  int fd = bpf_prog_get_fd_by_id(IdArg(info, 0));
  if (fd < 0) throw SystemError(info.Env(), errno, "bpf_prog_get_fd_by_id");
  return Wrap(info.Env(), std::make_shared<Program>(fd));
}

// bpf_link_get_fd_by_id(id) -> link
Napi::Value LinkById(const Napi::CallbackInfo& info) {
  int fd = bpf_link_get_fd_by_id(IdArg(info, 0));
  if (fd < 0) throw SystemError(info.Env(), errno, "bpf_link_get_fd_by_id");
  return Wrap(info.Env(), std::make_shared<Link>(fd));
}

// bpf_obj_get(path, file_flags) -> { kind, handle } of what is pinned there
Napi::Value Pinned(const Napi::CallbackInfo& info) {
  auto env = info.Env();
  LIBBPF_OPTS(bpf_obj_get_opts, options, .file_flags = IdArg(info, 1));
  Fd fd(bpf_obj_get_opts(StringArg(info, 0).c_str(), &options));
  if (fd.get() < 0) throw SystemError(env, errno, "bpf_obj_get");
  char target[64] = {};
  std::string self = "/proc/self/fd/" + std::to_string(fd.get());
  if (readlink(self.c_str(), target, sizeof target - 1) < 0) throw SystemError(env, errno, "readlink " + self);
  auto result = Napi::Object::New(env);
  if (strstr(target, "bpf-map")) {
    result.Set("kind", "map");
    result.Set("handle", WrapMap(env, fd, options.file_flags & BPF_F_RDONLY));
  } else if (strstr(target, "bpf-prog")) {
    result.Set("kind", "program");
    result.Set("handle", Wrap(env, std::make_shared<Program>(fd.release())));
  } else {
    result.Set("kind", "link");
    result.Set("handle", Wrap(env, std::make_shared<Link>(fd.release())));
  }
  return result;
}

// bpf_obj_pin(fd, path): what a descriptor stands for stays in the kernel until the path is removed
Napi::Value Pin(const Napi::CallbackInfo& info) {
  int error = bpf_obj_pin(static_cast<int>(IntArg(info, 0, 0, INT32_MAX)), StringArg(info, 1).c_str());
  if (error) throw SystemError(info.Env(), error, "bpf_obj_pin");
  return info.Env().Undefined();
}

// bpf_..._get_next_id(id) -> the next id there is, or undefined after the last
template <int (*Next)(uint32_t, uint32_t*)>
Napi::Value NextId(const Napi::CallbackInfo& info) {
  uint32_t next = 0;
  int error = Next(IdArg(info, 0), &next);
  if (error == -ENOENT) return info.Env().Undefined();
  if (error) throw SystemError(info.Env(), error, "the next id");
  return Napi::Number::New(info.Env(), next);
}

// bpf_map_get_info_by_fd(map) -> what the kernel knows of a map
Napi::Value MapInfo(const Napi::CallbackInfo& info) {
  auto env = info.Env();
  auto map = InfoOf<bpf_map_info>(env, Unwrap<Map>(info, 0)->fd());
  auto result = Napi::Object::New(env);
  auto number = [&](const char* name, double value) { result.Set(name, Napi::Number::New(env, value)); };
  const char* type = libbpf_bpf_map_type_str(static_cast<bpf_map_type>(map.type));
  result.Set("name", map.name);
  result.Set("typeName", type ? type : map.type == 33 ? "arena" : "unknown");  // newer than libbpf 1.1
  number("id", map.id);
  number("type", map.type);
  number("keySize", map.key_size);
  number("valueSize", map.value_size);
  number("maxEntries", map.max_entries);
  number("flags", map.map_flags);
  number("btfId", map.btf_id);
  number("keyTypeId", map.btf_key_type_id);
  number("valueTypeId", map.btf_value_type_id);
  return result;
}

// The whole name of a program, from its BTF: the kernel keeps 15 bytes.
std::string FullName(int fd, const bpf_prog_info& program) {
  if (!program.btf_id || !program.nr_func_info || program.func_info_rec_size < sizeof(bpf_func_info))
    return program.name;
  std::vector<uint8_t> record(program.func_info_rec_size);
  bpf_prog_info asked = {};
  uint32_t length = sizeof asked;
  asked.nr_func_info = 1;
  asked.func_info_rec_size = program.func_info_rec_size;
  asked.func_info = reinterpret_cast<uint64_t>(record.data());
  if (bpf_obj_get_info_by_fd(fd, &asked, &length)) return program.name;
  LibbpfLog log;
  std::unique_ptr<btf, void (*)(btf*)> types(btf__load_from_kernel_by_id(program.btf_id), btf__free);
  if (!types) return program.name;
  const btf_type* function = btf__type_by_id(types.get(), reinterpret_cast<bpf_func_info*>(record.data())->type_id);
  return function ? btf__name_by_offset(types.get(), function->name_off) : program.name;
}

// bpf_prog_get_info_by_fd(program) -> what the kernel knows of a program
Napi::Value ProgramInfo(const Napi::CallbackInfo& info) {
  auto env = info.Env();
  int fd = Unwrap<Program>(info, 0)->fd();
  auto program = InfoOf<bpf_prog_info>(env, fd);
  std::vector<uint32_t> ids(program.nr_map_ids);
  if (!ids.empty()) {
    bpf_prog_info asked = {};
    uint32_t length = sizeof asked;
    asked.nr_map_ids = program.nr_map_ids;
    asked.map_ids = reinterpret_cast<uint64_t>(ids.data());
    int error = bpf_obj_get_info_by_fd(fd, &asked, &length);
    if (error) throw SystemError(env, error, "bpf_obj_get_info_by_fd");
  }
  auto maps = Napi::Array::New(env);
  for (uint32_t id : ids) maps.Set(maps.Length(), Napi::Number::New(env, id));
  char tag[2 * sizeof program.tag + 1];
  for (size_t i = 0; i < sizeof program.tag; i++) snprintf(tag + 2 * i, 3, "%02x", program.tag[i]);
  auto result = ProgramFacts(env, program);
  auto number = [&](const char* name, double value) { result.Set(name, Napi::Number::New(env, value)); };
  result.Set("name", FullName(fd, program));
  result.Set("typeName", ProgramTypeName(static_cast<bpf_prog_type>(program.type)));
  result.Set("tag", tag);
  result.Set("mapIds", maps);
  number("type", program.type);
  number("loadTime", static_cast<double>(program.load_time));
  number("uid", program.created_by_uid);
  number("btfId", program.btf_id);
  return result;
}

// struct bpf_link_info with room for the kinds that are newer than Debian 12's headers: all begin with a union at 16.
struct LinkInfo {
  uint32_t type, id, program, unused;
  union {
    uint32_t words[4];
    struct {
      uint64_t at;
      uint32_t length;
    } name;  // raw tracepoints and iterators
    struct {
      uint32_t type, unused;
      uint64_t name;
      uint32_t length;
    } event;  // perf events, since Linux 6.6
    uint64_t cgroup;
  };
  uint8_t more[64];
};

enum { kRawTracepoint = 1, kCgroup = 3, kIter = 4, kXdp = 6, kPerfEvent = 7, kTcx = 11, kNetkit = 13 };

// bpf_link_get_info_by_fd(link) -> what the kernel knows of a link: its program, and what it is attached to
Napi::Value LinkInfoOf(const Napi::CallbackInfo& info) {
  auto env = info.Env();
  int fd = Unwrap<Link>(info, 0)->fd();
  auto link = InfoOf<LinkInfo>(env, fd);
  auto result = Napi::Object::New(env);
  auto number = [&](const char* name, double value) { result.Set(name, Napi::Number::New(env, value)); };
  number("id", link.id);
  number("type", link.type);
  number("programId", link.program);
  if (link.type == kXdp || link.type == kTcx || link.type == kNetkit) number("ifindex", link.words[0]);
  if (link.type == kCgroup) number("cgroupId", static_cast<double>(link.cgroup));
  const bool is_event = link.type == kPerfEvent;
  if (is_event) number("eventType", link.event.type);
  if (!is_event && link.type != kRawTracepoint && link.type != kIter) return result;
  char name[256] = {};
  LinkInfo asked = {};
  uint32_t length = sizeof asked;
  (is_event ? asked.event.name : asked.name.at) = reinterpret_cast<uint64_t>(name);
  (is_event ? asked.event.length : asked.name.length) = sizeof name - 1;
  int error = bpf_obj_get_info_by_fd(fd, &asked, &length);
  if ((!error || error == -ENOSPC) && name[0]) result.Set("target", name);
  return result;
}

// program_fd(program) -> its descriptor, which stays the handle's
Napi::Value ProgramFd(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), Unwrap<Program>(info, 0)->fd());
}

}  // namespace

void InitKernel(Napi::Env env, Napi::Object exports) {
  exports.Set("bpf_map_get_fd_by_id", Napi::Function::New(env, MapById));
  exports.Set("bpf_prog_get_fd_by_id", Napi::Function::New(env, ProgramById));
  exports.Set("bpf_link_get_fd_by_id", Napi::Function::New(env, LinkById));
  exports.Set("bpf_obj_get", Napi::Function::New(env, Pinned));
  exports.Set("bpf_obj_pin", Napi::Function::New(env, Pin));
  exports.Set("bpf_map_get_next_id", Napi::Function::New(env, NextId<bpf_map_get_next_id>));
  exports.Set("bpf_prog_get_next_id", Napi::Function::New(env, NextId<bpf_prog_get_next_id>));
  exports.Set("bpf_link_get_next_id", Napi::Function::New(env, NextId<bpf_link_get_next_id>));
  exports.Set("bpf_map_get_info_by_fd", Napi::Function::New(env, MapInfo));
  exports.Set("bpf_prog_get_info_by_fd", Napi::Function::New(env, ProgramInfo));
  exports.Set("bpf_link_get_info_by_fd", Napi::Function::New(env, LinkInfoOf));
  exports.Set("program_fd", Napi::Function::New(env, ProgramFd));
  exports.Set("program_close", Napi::Function::New(env, CloseHandle<Program>));
}

}  // namespace bpflab
