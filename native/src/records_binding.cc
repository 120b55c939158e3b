// What is in a program's rings, for JavaScript.
#include <stdexcept>

#include "handle.h"
#include "records.h"

namespace bpflab {

namespace {

Napi::Object TypeObject(Napi::Env env, const RecordType& type) {
  auto entry = Napi::Object::New(env);
  auto number = [&](double value) { return Napi::Number::New(env, value); };
  entry.Set("kind", type.kind);
  entry.Set("name", type.name);
  entry.Set("size", number(static_cast<double>(type.size)));
  entry.Set("type", number(type.type));
  entry.Set("length", number(static_cast<double>(type.length)));
  entry.Set("signed", Napi::Boolean::New(env, type.is_signed));
  entry.Set("bool", Napi::Boolean::New(env, type.is_bool));
  const std::string kind = type.kind;
  if (kind == "struct" || kind == "union") {
    auto members = Napi::Array::New(env);
    for (const auto& member : type.members) {
      auto one = Napi::Object::New(env);
      one.Set("name", member.name);
      one.Set("type", number(member.type));
      one.Set("bitOffset", number(member.bit_offset));
      one.Set("bitSize", number(member.bit_size));
      members.Set(members.Length(), one);
    }
    entry.Set("members", members);
  }
  if (kind == "enum" || kind == "enum64") {
    auto values = Napi::Array::New(env);
    for (const auto& label : type.labels) {
      auto one = Napi::Object::New(env);
      one.Set("name", label.name);
      one.Set("value", Integer(env, static_cast<uint64_t>(label.value), type.is_signed || type.size < 8));
      values.Set(values.Length(), one);
    }
    entry.Set("values", values);
  }
  return entry;
}

// find_records(elf, names) -> { types, sites: [{ map, size?, type? }] }; see records.h
Napi::Value Find(const Napi::CallbackInfo& info) {
  auto env = info.Env();
  auto elf = BytesArg(info, 0);
  std::vector<std::string> names;
  auto given = info[1].As<Napi::Array>();
  for (uint32_t i = 0; i < given.Length(); i++) names.push_back(given.Get(i).ToString());
  Records records;
  try {
    records = FindRecords(elf.Data(), elf.Length(), names);
  } catch (const std::runtime_error& error) {
    throw Napi::Error::New(env, error.what());
  }
  auto types = Napi::Array::New(env), sites = Napi::Array::New(env);
  for (const auto& type : records.types) types.Set(types.Length(), TypeObject(env, type));
  for (const auto& site : records.sites) {
    auto one = Napi::Object::New(env);
    one.Set("map", site.map);
    if (site.size >= 0) one.Set("size", Napi::Number::New(env, static_cast<double>(site.size)));
    if (site.type_id >= 0) one.Set("type", Napi::Number::New(env, static_cast<double>(site.type_id)));
    sites.Set(sites.Length(), one);
  }
  auto result = Napi::Object::New(env);
  result.Set("types", types);
  result.Set("sites", sites);
  return result;
}

}  // namespace

void InitRecords(Napi::Env env, Napi::Object exports) { exports.Set("find_records", Napi::Function::New(env, Find)); }

}  // namespace bpflab
