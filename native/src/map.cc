#include "map.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vector>

#include "object.h"

namespace bpflab {

Map::Map(int fd, const bpf_map* map)
    : fd_(fd),
      type_(bpf_map__type(map)),
      key_size_(bpf_map__key_size(map)),
      value_size_(bpf_map__value_size(map)),
      lookup_size_(value_size_),
      max_entries_(bpf_map__max_entries(map)),
      readonly_(bpf_map__map_flags(map) & BPF_F_RDONLY_PROG) {
  switch (type_) {
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
      lookup_size_ = (value_size_ + 7) / 8 * 8 * static_cast<size_t>(libbpf_num_possible_cpus());
      break;
    default:
      break;
  }
}

void Map::Close() {
  if (memory_) munmap(memory_, mapped_);
  memory_ = nullptr;
  fd_.Reset();
}

uint8_t* Map::Memory() {
  if (memory_) return memory_;
  size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  mapped_ = (value_size_ * max_entries_ + page - 1) / page * page;
  // .rodata is frozen after load: it can be mapped for reading only.
  void* memory = mmap(nullptr, mapped_, readonly_ ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  if (memory == MAP_FAILED) return nullptr;
  memory_ = static_cast<uint8_t*>(memory);
  return memory_;
}

namespace {

Napi::Value MapByName(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  bpf_map* map = object->Map(info.Env(), StringArg(info, 1));
  int fd = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 3);
  if (fd < 0) throw SystemError(info.Env(), errno, "the map is not loaded");
  return Wrap(info.Env(), std::make_shared<Map>(fd, map));
}

Napi::Value CloseMap(const Napi::CallbackInfo& info) {
  UnwrapAny<Map>(info, 0)->Close();
  return info.Env().Undefined();
}

Napi::Buffer<uint8_t> KeyArg(const Napi::CallbackInfo& info, const Map& map) { return BytesArg(info, 1, map.key_size(), "the key"); }

// bpf_map_lookup_elem(map, key) -> bytes, or undefined when the key is not there
Napi::Value Lookup(const Napi::CallbackInfo& info) {
  auto map = Unwrap<Map>(info, 0);
  auto key = KeyArg(info, *map);
  auto value = Napi::Buffer<uint8_t>::New(info.Env(), map->lookup_size());
  int error = bpf_map_lookup_elem(map->fd(), key.Data(), value.Data());
  if (error == -ENOENT) return info.Env().Undefined();
  if (error) throw SystemError(info.Env(), error, "map lookup");
  return value;
}

// bpf_map_update_elem(map, key, value, flags): BPF_ANY 0, BPF_NOEXIST 1, BPF_EXIST 2
Napi::Value Update(const Napi::CallbackInfo& info) {
  auto map = Unwrap<Map>(info, 0);
  auto key = KeyArg(info, *map);
  auto value = BytesArg(info, 2, map->lookup_size(), "the value");
  int error = bpf_map_update_elem(map->fd(), key.Data(), value.Data(), static_cast<uint64_t>(IntArg(info, 3, 0, 7)));
  if (error) throw SystemError(info.Env(), error, "map update");
  return info.Env().Undefined();
}

// bpf_map_delete_elem(map, key) -> whether it was there
Napi::Value Delete(const Napi::CallbackInfo& info) {
  auto map = Unwrap<Map>(info, 0);
  int error = bpf_map_delete_elem(map->fd(), KeyArg(info, *map).Data());
  if (error && error != -ENOENT) throw SystemError(info.Env(), error, "map delete");
  return Napi::Boolean::New(info.Env(), error == 0);
}

// bpf_map_get_next_key(map, key | null) -> key, or undefined at the end
Napi::Value NextKey(const Napi::CallbackInfo& info) {
  auto map = Unwrap<Map>(info, 0);
  auto next = Napi::Buffer<uint8_t>::New(info.Env(), map->key_size());
  const void* from = info[1].IsNull() || info[1].IsUndefined() ? nullptr : KeyArg(info, *map).Data();
  int error = bpf_map_get_next_key(map->fd(), from, next.Data());
  if (error == -ENOENT) return info.Env().Undefined();
  if (error) throw SystemError(info.Env(), error, "map walk");
  return next;
}

// bpf_map_lookup_batch(map, token | null, count) -> { keys, values, count, token, done }; one system call for many entries
Napi::Value LookupBatch(const Napi::CallbackInfo& info) {
  auto map = Unwrap<Map>(info, 0);
  auto env = info.Env();
  auto wanted = static_cast<uint32_t>(IntArg(info, 2, 1, 1 << 24));
  // The token is a key for arrays and LPM tries, a 32-bit bucket number for hashes.
  size_t token_size = map->key_size() < 4 ? 4 : map->key_size();
  void* from = info[1].IsBuffer() ? BytesArg(info, 1, token_size, "the token").Data() : nullptr;
  auto token = Napi::Buffer<uint8_t>::New(env, token_size);
  auto keys = Napi::Buffer<uint8_t>::New(env, wanted * map->key_size());
  auto values = Napi::Buffer<uint8_t>::New(env, wanted * map->lookup_size());
  uint32_t count = wanted;
  int error = bpf_map_lookup_batch(map->fd(), from, token.Data(), keys.Data(), values.Data(), &count, nullptr);
  if (error && error != -ENOENT) throw SystemError(env, error, "map batch lookup");
  auto result = Napi::Object::New(env);
  result.Set("keys", keys);
  result.Set("values", values);
  result.Set("count", Napi::Number::New(env, count));
  result.Set("token", token);
  result.Set("done", Napi::Boolean::New(env, error == -ENOENT));
  return result;
}

uint8_t* MemoryArg(const Napi::CallbackInfo& info, const std::shared_ptr<Map>& map, size_t offset, size_t length) {
  if (offset > map->memory_size() || length > map->memory_size() - offset) ThrowArgument(info.Env(), "outside the map's value");
  uint8_t* memory = map->Memory();
  if (!memory) throw SystemError(info.Env(), errno, "the map cannot be mapped");
  return memory + offset;
}

// Aligned words of 1, 2, 4 and 8 bytes are stored at once, so that a program never sees half of a number.
template <class Word>
bool CopyWord(uint8_t* to, const uint8_t* from, size_t length) {
  if (length != sizeof(Word) || reinterpret_cast<uintptr_t>(to) % sizeof(Word)) return false;
  Word word;
  memcpy(&word, from, sizeof word);
  __atomic_store_n(reinterpret_cast<Word*>(to), word, __ATOMIC_RELAXED);
  return true;
}

// map_memory_read(map, offset, length) -> bytes: a global's value now
Napi::Value MemoryRead(const Napi::CallbackInfo& info) {
  auto map = Unwrap<Map>(info, 0);
  auto offset = static_cast<size_t>(IntArg(info, 1, 0, UINT32_MAX));
  auto length = static_cast<size_t>(IntArg(info, 2, 0, UINT32_MAX));
  return Napi::Buffer<uint8_t>::Copy(info.Env(), MemoryArg(info, map, offset, length), length);
}

// map_memory_write(map, offset, bytes): takes effect in the kernel at once
Napi::Value MemoryWrite(const Napi::CallbackInfo& info) {
  auto map = Unwrap<Map>(info, 0);
  auto offset = static_cast<size_t>(IntArg(info, 1, 0, UINT32_MAX));
  auto bytes = BytesArg(info, 2);
  if (map->readonly()) throw SystemError(info.Env(), EPERM, "this map is read-only");
  uint8_t* to = MemoryArg(info, map, offset, bytes.Length());
  const uint8_t* from = bytes.Data();
  size_t length = bytes.Length();
  if (!CopyWord<uint64_t>(to, from, length) && !CopyWord<uint32_t>(to, from, length) && !CopyWord<uint16_t>(to, from, length))
    memcpy(to, from, length);
  return info.Env().Undefined();
}

}  // namespace

void InitMap(Napi::Env env, Napi::Object exports) {
  exports.Set("bpf_object__find_map_by_name", Napi::Function::New(env, MapByName));
  exports.Set("bpf_map__close", Napi::Function::New(env, CloseMap));
  exports.Set("bpf_map_lookup_elem", Napi::Function::New(env, Lookup));
  exports.Set("bpf_map_update_elem", Napi::Function::New(env, Update));
  exports.Set("bpf_map_delete_elem", Napi::Function::New(env, Delete));
  exports.Set("bpf_map_get_next_key", Napi::Function::New(env, NextKey));
  exports.Set("bpf_map_lookup_batch", Napi::Function::New(env, LookupBatch));
  exports.Set("map_memory_read", Napi::Function::New(env, MemoryRead));
  exports.Set("map_memory_write", Napi::Function::New(env, MemoryWrite));
}

}  // namespace bpflab
