// BTF as plain data: the types of an object for user space, the kernel's as a C header.
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include <cstdarg>
#include <cstdio>
#include <memory>
#include <string>

#include "object.h"

namespace bpflab {

namespace {

const char* KindName(const btf_type* type) {
  static const char* const names[] = {"void", "int",     "ptr",      "array",    "struct",   "union", "enum",
                                      "fwd",  "typedef", "volatile", "const",    "restrict", "func",  "func_proto",
                                      "var",  "datasec", "float",    "decl_tag", "type_tag", "enum64"};
  unsigned kind = btf_kind(type);
  return kind < sizeof names / sizeof *names ? names[kind] : "unknown";
}

// A damaged object may name what is not there.
const char* Name(const btf* btf, uint32_t offset) {
  const char* name = btf__name_by_offset(btf, offset);
  return name ? name : "";
}

Napi::Array Members(Napi::Env env, const btf* btf, const btf_type* type) {
  auto list = Napi::Array::New(env);
  for (unsigned i = 0; i < btf_vlen(type); i++) {
    const btf_member* member = btf_members(type) + i;
    auto entry = Napi::Object::New(env);
    entry.Set("name", Name(btf, member->name_off));
    entry.Set("type", Napi::Number::New(env, member->type));
    entry.Set("bitOffset", Napi::Number::New(env, btf_member_bit_offset(type, i)));
    entry.Set("bitSize", Napi::Number::New(env, btf_member_bitfield_size(type, i)));
    list.Set(i, entry);
  }
  return list;
}

Napi::Array EnumValues(Napi::Env env, const btf* btf, const btf_type* type) {
  auto list = Napi::Array::New(env);
  for (unsigned i = 0; i < btf_vlen(type); i++) {
    auto entry = Napi::Object::New(env);
    uint32_t name;
    if (btf_is_enum64(type)) {
      const struct btf_enum64* item = btf_enum64(type) + i;
      entry.Set("value", Integer(env, btf_enum64_value(item), btf_kflag(type)));
      name = item->name_off;
    } else {
      const struct btf_enum* item = btf_enum(type) + i;
      entry.Set("value", Napi::Number::New(
                             env, btf_kflag(type) ? item->val : static_cast<double>(static_cast<uint32_t>(item->val))));
      name = item->name_off;
    }
    entry.Set("name", Name(btf, name));
    list.Set(i, entry);
  }
  return list;
}

Napi::Array Variables(Napi::Env env, const btf_type* type) {
  auto list = Napi::Array::New(env);
  for (unsigned i = 0; i < btf_vlen(type); i++) {
    const btf_var_secinfo* info = btf_var_secinfos(type) + i;
    auto entry = Napi::Object::New(env);
    entry.Set("type", Napi::Number::New(env, info->type));
    entry.Set("offset", Napi::Number::New(env, info->offset));
    entry.Set("size", Napi::Number::New(env, info->size));
    list.Set(i, entry);
  }
  return list;
}

Napi::Object Type(Napi::Env env, const btf* btf, const btf_type* type) {
  auto entry = Napi::Object::New(env);
  entry.Set("kind", KindName(type));
  entry.Set("name", Name(btf, type->name_off));
  if (btf_is_int(type)) {
    entry.Set("size", Napi::Number::New(env, type->size));
    entry.Set("bits", Napi::Number::New(env, btf_int_bits(type)));
    entry.Set("signed", Napi::Boolean::New(env, btf_int_encoding(type) & BTF_INT_SIGNED));
    entry.Set("bool", Napi::Boolean::New(env, btf_int_encoding(type) & BTF_INT_BOOL));
    entry.Set("char", Napi::Boolean::New(env, btf_int_encoding(type) & BTF_INT_CHAR));
  } else if (btf_is_composite(type)) {
    entry.Set("size", Napi::Number::New(env, type->size));
    entry.Set("members", Members(env, btf, type));
  } else if (btf_is_any_enum(type)) {
    entry.Set("size", Napi::Number::New(env, type->size));
    entry.Set("signed", Napi::Boolean::New(env, btf_kflag(type)));
    entry.Set("values", EnumValues(env, btf, type));
  } else if (btf_is_float(type)) {
    entry.Set("size", Napi::Number::New(env, type->size));
  } else if (btf_is_array(type)) {
    entry.Set("type", Napi::Number::New(env, btf_array(type)->type));
    entry.Set("length", Napi::Number::New(env, btf_array(type)->nelems));
  } else if (btf_is_datasec(type)) {
    entry.Set("size", Napi::Number::New(env, type->size));
    entry.Set("variables", Variables(env, type));
  } else if (btf_is_ptr(type) || btf_is_mod(type) || btf_is_typedef(type) || btf_is_var(type) || btf_is_func(type) ||
             btf_kind(type) == BTF_KIND_TYPE_TAG || btf_kind(type) == BTF_KIND_DECL_TAG || btf_is_func_proto(type)) {
    entry.Set("type", Napi::Number::New(env, type->type));
    if (btf_is_decl_tag(type)) entry.Set("component", Napi::Number::New(env, btf_decl_tag(type)->component_idx));
  }
  return entry;
}

Napi::Array Types(Napi::Env env, const btf* btf) {
  auto list = Napi::Array::New(env);
  if (!btf) return list;
  for (uint32_t id = 0; id < btf__type_cnt(btf); id++) list.Set(id, Type(env, btf, btf__type_by_id(btf, id)));
  return list;
}

// bpf_object__btf(object) -> array of types; the index is the BTF id
Napi::Value ObjectTypes(const Napi::CallbackInfo& info) {
  return Types(info.Env(), bpf_object__btf(Unwrap<Object>(info, 0)->get()));
}

// btf__load_from_kernel_by_id(id) -> the same of what the kernel has by that id
Napi::Value KernelTypes(const Napi::CallbackInfo& info) {
  LibbpfLog log;
  std::unique_ptr<btf, void (*)(btf*)> types(
      btf__load_from_kernel_by_id(static_cast<uint32_t>(IntArg(info, 0, 0, UINT32_MAX))), btf__free);
  if (!types) throw SystemError(info.Env(), errno, "btf__load_from_kernel_by_id", log.text());
  return Types(info.Env(), types.get());
}

void AppendText(void* text, const char* format, va_list args) {
  char* piece = nullptr;
  int length = vasprintf(&piece, format, args);
  if (length < 0) return;
  static_cast<std::string*>(text)->append(piece, static_cast<size_t>(length));
  free(piece);
}

// btf_dump_c(path) -> the types of a BTF file (/sys/kernel/btf/vmlinux) as C declarations
Napi::Value DumpC(const Napi::CallbackInfo& info) {
  auto env = info.Env();
  std::string path = StringArg(info, 0);
  LibbpfLog log;
  std::unique_ptr<btf, void (*)(btf*)> types(btf__parse(path.c_str(), nullptr), btf__free);
  if (!types) throw SystemError(env, errno, "cannot read BTF from " + path, log.text());
  std::string text;
  std::unique_ptr<btf_dump, void (*)(btf_dump*)> dump(btf_dump__new(types.get(), AppendText, &text, nullptr),
                                                      btf_dump__free);
  if (!dump) throw SystemError(env, errno, "cannot dump BTF", log.text());
  for (uint32_t id = 1; id < btf__type_cnt(types.get()); id++) {
    int error = btf_dump__dump_type(dump.get(), id);
    if (error) throw SystemError(env, error, "cannot dump BTF type " + std::to_string(id), log.text());
  }
  return Napi::String::New(env, text);
}

}  // namespace

void InitBtf(Napi::Env env, Napi::Object exports) {
  exports.Set("bpf_object__btf", Napi::Function::New(env, ObjectTypes));
  exports.Set("btf__load_from_kernel_by_id", Napi::Function::New(env, KernelTypes));
  exports.Set("btf_dump_c", Napi::Function::New(env, DumpC));
}

}  // namespace bpflab
