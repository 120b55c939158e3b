#include "map.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <utility>
#include <vector>

#include "object.h"
#include "plan.h"
#include "walk.h"

namespace bpflab {

Map::Map(int fd, const bpf_map* map)
    : fd_(fd),
      type_(bpf_map__type(map)),
      key_size_(bpf_map__key_size(map)),
      value_size_(bpf_map__value_size(map)),
      lookup_size_(value_size_),
      max_entries_(bpf_map__max_entries(map)),
      readonly_(bpf_map__map_flags(map) & BPF_F_RDONLY_PROG) {
  SetLookupSize();
}

Map::Map(int fd, const bpf_map_info& map, bool readonly)
    : fd_(fd),
      type_(static_cast<bpf_map_type>(map.type)),
      key_size_(map.key_size),
      value_size_(map.value_size),
      lookup_size_(value_size_),
      max_entries_(map.max_entries),
      readonly_(readonly || (map.map_flags & BPF_F_RDONLY_PROG)) {
  SetLookupSize();
}

void Map::SetLookupSize() {
  switch (type_) {
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
    case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
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

Napi::Buffer<uint8_t> KeyArg(const Napi::CallbackInfo& info, const Map& map) {
  return BytesArg(info, 1, map.key_size(), "the key");
}

// Queues and stacks have no keys, and the kernel insists on a null pointer for one.
void* Key(Napi::Buffer<uint8_t>& key) { return key.Length() ? key.Data() : nullptr; }

// bpf_map_lookup_elem(map, key) -> bytes, or undefined when the key is not there
Napi::Value Lookup(const Napi::CallbackInfo& info) {
  auto map = Unwrap<Map>(info, 0);
  auto key = KeyArg(info, *map);
  auto value = Napi::Buffer<uint8_t>::New(info.Env(), map->lookup_size());
  int error = bpf_map_lookup_elem(map->fd(), Key(key), value.Data());
  if (error == -ENOENT) return info.Env().Undefined();
  if (error) throw SystemError(info.Env(), error, "map lookup");
  return value;
}

// map_contains(map, value) -> whether a bloom filter may hold the value
Napi::Value Contains(const Napi::CallbackInfo& info) {
  auto map = Unwrap<Map>(info, 0);
  auto value = BytesArg(info, 1, map->lookup_size(), "the value");
  int error = bpf_map_lookup_elem(map->fd(), nullptr, value.Data());
  if (error && error != -ENOENT) throw SystemError(info.Env(), error, "map lookup");
  return Napi::Boolean::New(info.Env(), error == 0);
}

// bpf_map_update_elem(map, key, value, flags): BPF_ANY 0, BPF_NOEXIST 1, BPF_EXIST 2
Napi::Value Update(const Napi::CallbackInfo& info) {
  auto map = Unwrap<Map>(info, 0);
  auto key = KeyArg(info, *map);
  auto value = BytesArg(info, 2, map->lookup_size(), "the value");
  int error = bpf_map_update_elem(map->fd(), Key(key), value.Data(), static_cast<uint64_t>(IntArg(info, 3, 0, 7)));
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

// bpf_map_lookup_and_delete_elem(map, key) -> the value, or undefined when there is none
Napi::Value LookupAndDelete(const Napi::CallbackInfo& info) {
  auto map = Unwrap<Map>(info, 0);
  auto key = KeyArg(info, *map);
  auto value = Napi::Buffer<uint8_t>::New(info.Env(), map->lookup_size());
  int error = bpf_map_lookup_and_delete_elem(map->fd(), Key(key), value.Data());
  if (error == -ENOENT) return info.Env().Undefined();
  if (error) throw SystemError(info.Env(), error, "map lookup and delete");
  return value;
}

// True when this kernel has no batch operation for this type of map.
bool NoBatch(int error) { return error == -EINVAL || error == -EOPNOTSUPP || error == -kNotSupported; }

// How many keys there are; throws where a map has none or the bytes are not whole keys.
size_t KeyCount(const Napi::CallbackInfo& info, const Map& map, size_t bytes) {
  if (map.key_size() == 0 || bytes % map.key_size())
    ThrowArgument(info.Env(), "the keys are not whole keys of this map");
  return bytes / map.key_size();
}

// bpf_map_update_batch(map, keys, values): puts all in, or throws at the first that it cannot
Napi::Value UpdateBatch(const Napi::CallbackInfo& info) {
  auto map = Unwrap<Map>(info, 0);
  auto keys = BytesArg(info, 1);
  size_t total = KeyCount(info, *map, keys.Length());
  auto values = BytesArg(info, 2, total * map->lookup_size(), "the values");
  for (size_t done = 0; done < total;) {
    auto count = static_cast<uint32_t>(total - done);
    uint8_t* key = keys.Data() + done * map->key_size();
    uint8_t* value = values.Data() + done * map->lookup_size();
    int error = bpf_map_update_batch(map->fd(), key, value, &count, nullptr);
    if (NoBatch(error)) {
      count = 1;
      error = bpf_map_update_elem(map->fd(), key, value, BPF_ANY);
    }
    if (error) throw SystemError(info.Env(), error, "map update");
    done += count;
  }
  return info.Env().Undefined();
}

// bpf_map_delete_batch(map, keys) -> how many of them were there
Napi::Value DeleteBatch(const Napi::CallbackInfo& info) {
  auto map = Unwrap<Map>(info, 0);
  auto keys = BytesArg(info, 1);
  size_t total = KeyCount(info, *map, keys.Length());
  size_t deleted = 0;
  for (size_t at = 0; at < total;) {
    auto count = static_cast<uint32_t>(total - at);
    uint8_t* key = keys.Data() + at * map->key_size();
    int error = bpf_map_delete_batch(map->fd(), key, &count, nullptr);
    if (NoBatch(error)) {
      error = bpf_map_delete_elem(map->fd(), key);
      count = error ? 0 : 1;
    }
    if (error && error != -ENOENT) throw SystemError(info.Env(), error, "map delete");
    deleted += count;
    at += count + (error ? 1 : 0);  // the key that stopped it was gone already
  }
  return Napi::Number::New(info.Env(), static_cast<double>(deleted));
}

// Hands a vector's memory to JavaScript.
Napi::Value Bytes(Napi::Env env, std::vector<uint8_t>&& bytes) {
  auto* held = new std::vector<uint8_t>(std::move(bytes));
  return Napi::Buffer<uint8_t>::New(
      env, held->data(), held->size(), [](Napi::Env, uint8_t*, std::vector<uint8_t>* last) { delete last; }, held);
}

// map_walk(map, batchBytes) -> { rows, keys, values }: all entries, side by side; see walk.h
Napi::Value WalkAll(const Napi::CallbackInfo& info) {
  auto map = Unwrap<Map>(info, 0);
  Entries entries;
  int error = WalkMap(*map, static_cast<size_t>(IntArg(info, 1, 0, 1 << 30)), &entries);
  if (error) throw SystemError(info.Env(), error, "map walk");
  auto result = Napi::Object::New(info.Env());
  result.Set("rows", Napi::Number::New(info.Env(), static_cast<double>(entries.rows)));
  result.Set("keys", Bytes(info.Env(), std::move(entries.keys)));
  result.Set("values", Bytes(info.Env(), std::move(entries.values)));
  return result;
}

// map_columns(bytes, plan, repeat) -> { rows, buffer, offsets, labels, inexact }: records that lie side by side as
// columns, each record `repeat` times
Napi::Value Columns(const Napi::CallbackInfo& info) {
  auto env = info.Env();
  auto bytes = BytesArg(info, 0);
  Plan plan = PlanArg(info, info[1].As<Napi::Object>());
  auto repeat = static_cast<size_t>(IntArg(info, 2, 1, 1 << 16));
  const auto size = static_cast<uint32_t>(plan.record_size);
  if (!size || plan.tag_width || plan.variants.size() != 1 || plan.variants[0].least > size)
    ThrowArgument(env, "the values of a map are of one type and size");
  if (bytes.Length() % size) ThrowArgument(env, "the bytes are not whole records");
  std::vector<Record> records;
  records.reserve(bytes.Length() / size * repeat);
  for (size_t at = 0; at < bytes.Length(); at += size)
    records.insert(records.end(), repeat, {bytes.Data() + at, size, 0});
  auto pool = std::make_shared<BlockPool>(Chunk::Bytes(plan, records.size()));
  auto chunk = std::make_unique<Chunk>(plan, pool, records.size());
  uint64_t inexact = chunk->Append(plan, records.data(), records.size());
  auto result = ChunkObject(env, plan, std::move(chunk));
  result.Set("labels", TakeLabels(env, plan));
  result.Set("inexact", Napi::Number::New(env, static_cast<double>(inexact)));
  return result;
}

uint8_t* MemoryArg(const Napi::CallbackInfo& info, const std::shared_ptr<Map>& map, size_t offset, size_t length) {
  if (offset > map->memory_size() || length > map->memory_size() - offset)
    ThrowArgument(info.Env(), "outside the map's value");
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
  if (!CopyWord<uint64_t>(to, from, length) && !CopyWord<uint32_t>(to, from, length) &&
      !CopyWord<uint16_t>(to, from, length))
    memcpy(to, from, length);
  return info.Env().Undefined();
}

}  // namespace

void InitMap(Napi::Env env, Napi::Object exports) {
  exports.Set("bpf_object__find_map_by_name", Napi::Function::New(env, MapByName));
  exports.Set("bpf_map__close", Napi::Function::New(env, CloseHandle<Map>));
  exports.Set("bpf_map_lookup_elem", Napi::Function::New(env, Lookup));
  exports.Set("bpf_map_update_elem", Napi::Function::New(env, Update));
  exports.Set("bpf_map_delete_elem", Napi::Function::New(env, Delete));
  exports.Set("bpf_map_lookup_and_delete_elem", Napi::Function::New(env, LookupAndDelete));
  exports.Set("bpf_map_update_batch", Napi::Function::New(env, UpdateBatch));
  exports.Set("bpf_map_delete_batch", Napi::Function::New(env, DeleteBatch));
  exports.Set("map_contains", Napi::Function::New(env, Contains));
  exports.Set("map_walk", Napi::Function::New(env, WalkAll));
  exports.Set("map_columns", Napi::Function::New(env, Columns));
  exports.Set("map_memory_read", Napi::Function::New(env, MemoryRead));
  exports.Set("map_memory_write", Napi::Function::New(env, MemoryWrite));
}

}  // namespace bpflab
