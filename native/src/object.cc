#include "object.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

#include <memory>
#include <string>

#include "link.h"
#include "map.h"
#include "verifier_log.h"

namespace bpflab {

bpf_map* Object::Map(Napi::Env env, const std::string& name) const {
  bpf_map* map = bpf_object__find_map_by_name(object_, name.c_str());
  if (!map) ThrowArgument(env, "no map named " + name);
  return map;
}

bpf_program* Object::Program(Napi::Env env, const std::string& name) const {
  bpf_program* program = bpf_object__find_program_by_name(object_, name.c_str());
  if (!program) ThrowArgument(env, "no program named " + name);
  return program;
}

namespace {

// bpf_object__open_mem(bytes, name, btf?) -> object
Napi::Value Open(const Napi::CallbackInfo& info) {
  auto bytes = BytesArg(info, 0);
  std::string name = StringArg(info, 1);
  LibbpfLog log;
  std::string btf = info[2].IsUndefined() ? "" : StringArg(info, 2);
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name.c_str());
  if (!btf.empty()) options.btf_custom_path = btf.c_str();
  bpf_object* object = bpf_object__open_mem(bytes.Data(), bytes.Length(), &options);
  if (!object) throw SystemError(info.Env(), errno, "libbpf cannot open the object", log.text());
  bpf_map* map;
  bpf_object__for_each_map(map, object) {
    // Sections of static variables alone are not mapped into skeletons, so libbpf does not ask for it; we do map them.
    const std::string section = bpf_map__is_internal(map) ? bpf_map__name(map) : "";
    if (section.find(".data") != std::string::npos || section.find(".bss") != std::string::npos)
      bpf_map__set_map_flags(map, bpf_map__map_flags(map) | BPF_F_MMAPABLE);
    // A ring's value names its record's type; the kernel wants none, or descriptors. libbpf 1.1 leaves the sizes in.
    if (bpf_map__type(map) == BPF_MAP_TYPE_PERF_EVENT_ARRAY) {
      bpf_map__set_key_size(map, sizeof(uint32_t));
      bpf_map__set_value_size(map, sizeof(uint32_t));
    }
    if (bpf_map__type(map) != BPF_MAP_TYPE_RINGBUF && bpf_map__type(map) != BPF_MAP_TYPE_USER_RINGBUF) continue;
    bpf_map__set_key_size(map, 0);
    bpf_map__set_value_size(map, 0);
  }
  return Wrap(info.Env(), std::make_shared<Object>(object));
}

// Links of struct_ops came with Linux 6.4, as did programs of netfilter.
bool HasStructOpsLinks() {
  static const bool has = LoadEmpty(static_cast<bpf_prog_type>(32), 45).get() >= 0;
  return has;
}

// bpf_linker(output, inputs): links object files into one
Napi::Value LinkFiles(const Napi::CallbackInfo& info) {
  auto env = info.Env();
  std::string output = StringArg(info, 0);
  auto inputs = info[1].As<Napi::Array>();
  LibbpfLog log;
  std::unique_ptr<bpf_linker, void (*)(bpf_linker*)> linker(bpf_linker__new(output.c_str(), nullptr), bpf_linker__free);
  if (!linker) throw SystemError(env, errno, "cannot write " + output, log.text());
  for (uint32_t i = 0; i < inputs.Length(); i++) {
    std::string input = inputs.Get(i).ToString();
    if (int error = bpf_linker__add_file(linker.get(), input.c_str(), nullptr))
      throw SystemError(env, error, "cannot link " + input, log.text());
  }
  if (int error = bpf_linker__finalize(linker.get())) throw SystemError(env, error, "cannot link", log.text());
  return env.Undefined();
}

// bpf_object__load(object); throws with the verifier's log in `log`
Napi::Value Load(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  bpf_map* map;
  bpf_object__for_each_map(map, object->get()) {
    if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS && HasStructOpsLinks())
      bpf_map__set_map_flags(map, bpf_map__map_flags(map) | kStructOpsLink);
  }
  VerifierLog verifier(object->get());
  LibbpfLog log;
  int error = bpf_object__load(object->get());
  if (error)
    throw SystemError(info.Env(), error, "the kernel did not load the object", verifier.BehindOutput(log.text()));
  return Napi::String::New(info.Env(), log.text());
}

}  // namespace

const char* ProgramTypeName(bpf_prog_type type) {
  if (type == 32) return "netfilter";  // newer than libbpf 1.1
  const char* name = libbpf_bpf_prog_type_str(type);
  return name ? name : "unknown";
}

namespace {

Napi::Value Programs(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  auto env = info.Env();
  auto list = Napi::Array::New(env);
  bpf_program* program;
  bpf_object__for_each_program(program, object->get()) {
    auto entry = Napi::Object::New(info.Env());
    entry.Set("name", bpf_program__name(program));
    entry.Set("section", bpf_program__section_name(program));
    entry.Set("type", Napi::Number::New(env, bpf_program__type(program)));
    entry.Set("typeName", ProgramTypeName(bpf_program__type(program)));
    entry.Set("attachType", Napi::Number::New(env, bpf_program__expected_attach_type(program)));
    entry.Set("isLoaded", Napi::Boolean::New(env, bpf_program__autoload(program)));
    entry.Set("instructions", Napi::Number::New(env, static_cast<double>(bpf_program__insn_cnt(program))));
    list.Set(list.Length(), entry);
  }
  return list;
}

Napi::Value Maps(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  auto env = info.Env();
  auto list = Napi::Array::New(env);
  bpf_map* map;
  bpf_object__for_each_map(map, object->get()) {
    auto entry = Napi::Object::New(env);
    entry.Set("name", bpf_map__name(map));
    entry.Set("type", Napi::Number::New(env, bpf_map__type(map)));
    const char* type = libbpf_bpf_map_type_str(bpf_map__type(map));
    entry.Set("typeName", type ? type : "unknown");
    entry.Set("keySize", Napi::Number::New(env, bpf_map__key_size(map)));
    entry.Set("valueSize", Napi::Number::New(env, bpf_map__value_size(map)));
    entry.Set("maxEntries", Napi::Number::New(env, bpf_map__max_entries(map)));
    entry.Set("keyTypeId", Napi::Number::New(env, bpf_map__btf_key_type_id(map)));
    entry.Set("valueTypeId", Napi::Number::New(env, bpf_map__btf_value_type_id(map)));
    entry.Set("isInternal", Napi::Boolean::New(env, bpf_map__is_internal(map)));
    if (const char* path = bpf_map__pin_path(map)) entry.Set("pinPath", path);
    list.Set(list.Length(), entry);
  }
  return list;
}

// bpf_map__set_initial_value(object, map, offset, bytes): part of .rodata, .data or .bss, before load
Napi::Value SetInitialValue(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  bpf_map* map = object->Map(info.Env(), StringArg(info, 1));
  // libbpf keeps the bytes after load, but the kernel has its own by then.
  if (bpf_map__fd(map) >= 0) throw SystemError(info.Env(), EBUSY, "the object is loaded");
  size_t size = 0;
  auto* memory = static_cast<uint8_t*>(const_cast<void*>(bpf_map__initial_value(map, &size)));
  if (!memory) ThrowArgument(info.Env(), "this map has no initial value");
  auto offset = static_cast<size_t>(IntArg(info, 2, 0, static_cast<int64_t>(size)));
  auto bytes = BytesArg(info, 3);
  if (bytes.Length() > size - offset) ThrowArgument(info.Env(), "the value reaches past the end of the map");
  memcpy(memory + offset, bytes.Data(), bytes.Length());
  return info.Env().Undefined();
}

Napi::Value SetMaxEntries(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  bpf_map* map = object->Map(info.Env(), StringArg(info, 1));
  int error = bpf_map__set_max_entries(map, static_cast<uint32_t>(IntArg(info, 2, 1, UINT32_MAX)));
  if (error) throw SystemError(info.Env(), error, "cannot set max_entries");
  return info.Env().Undefined();
}

Napi::Value ReuseMap(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  bpf_map* map = object->Map(info.Env(), StringArg(info, 1));
  int error = bpf_map__reuse_fd(map, Unwrap<Map>(info, 2)->fd());
  if (error) throw SystemError(info.Env(), error, "cannot take over the map");
  return info.Env().Undefined();
}

Napi::Value SetAutoload(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  bpf_program* program = object->Program(info.Env(), StringArg(info, 1));
  int error = bpf_program__set_autoload(program, info[2].ToBoolean());
  if (error) throw SystemError(info.Env(), error, "cannot set autoload");
  return info.Env().Undefined();
}

// bpf_program__set_type(object, program, type, attach_type, flags): for a SEC() that is newer than libbpf, before load
Napi::Value SetType(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  bpf_program* program = object->Program(info.Env(), StringArg(info, 1));
  int error = bpf_program__set_type(program, static_cast<bpf_prog_type>(IntArg(info, 2, 1, 1000)));
  if (!error)
    error = bpf_program__set_expected_attach_type(program, static_cast<bpf_attach_type>(IntArg(info, 3, 0, 1000)));
  if (!error) error = bpf_program__set_flags(program, static_cast<uint32_t>(IntArg(info, 4, 0, UINT32_MAX)));
  if (error) throw SystemError(info.Env(), error, "cannot set the program's type");
  return info.Env().Undefined();
}

// bpf_program__set_attach_target(object, program, other, function): before load; the function of a loaded program, or
// of the kernel when there is no other
Napi::Value SetAttachTarget(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  bpf_program* program = object->Program(info.Env(), StringArg(info, 1));
  LibbpfLog log;
  int error = bpf_program__set_attach_target(program, static_cast<int>(IntArg(info, 2, 0, INT32_MAX)),
                                             StringArg(info, 3).c_str());
  if (error) throw SystemError(info.Env(), error, "cannot set the target", log.text());
  return info.Env().Undefined();
}

}  // namespace

void InitObject(Napi::Env env, Napi::Object exports) {
  exports.Set("bpf_object__open_mem", Napi::Function::New(env, Open));
  exports.Set("bpf_linker", Napi::Function::New(env, LinkFiles));
  exports.Set("bpf_object__load", Napi::Function::New(env, Load));
  exports.Set("bpf_object__close", Napi::Function::New(env, CloseHandle<Object>));
  exports.Set("bpf_object__programs", Napi::Function::New(env, Programs));
  exports.Set("bpf_object__maps", Napi::Function::New(env, Maps));
  exports.Set("bpf_map__set_initial_value", Napi::Function::New(env, SetInitialValue));
  exports.Set("bpf_map__set_max_entries", Napi::Function::New(env, SetMaxEntries));
  exports.Set("bpf_map__reuse_fd", Napi::Function::New(env, ReuseMap));
  exports.Set("bpf_program__set_type", Napi::Function::New(env, SetType));
  exports.Set("bpf_program__set_attach_target", Napi::Function::New(env, SetAttachTarget));
  exports.Set("bpf_program__set_autoload", Napi::Function::New(env, SetAutoload));
}

}  // namespace bpflab
