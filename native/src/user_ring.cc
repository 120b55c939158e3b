// Records from user space to programs, through a map of type BPF_MAP_TYPE_USER_RINGBUF.
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>

#include <memory>

#include "map.h"

namespace bpflab {

namespace {

// user_ring_buffer_push(map, bytes): a record, which lies there until a program drains the ring
Napi::Value Push(const Napi::CallbackInfo& info) {
  auto map = Unwrap<Map>(info, 0);
  auto bytes = BytesArg(info, 1);
  std::unique_ptr<user_ring_buffer, void (*)(user_ring_buffer*)> ring(user_ring_buffer__new(map->fd(), nullptr),
                                                                      user_ring_buffer__free);
  if (!ring) throw SystemError(info.Env(), errno, "map the user ring buffer");
  void* record = user_ring_buffer__reserve(ring.get(), static_cast<uint32_t>(bytes.Length()));
  if (!record) throw SystemError(info.Env(), errno, "reserve in the user ring buffer");
  memcpy(record, bytes.Data(), bytes.Length());
  user_ring_buffer__submit(ring.get(), record);
  return info.Env().Undefined();
}

}  // namespace

void InitUserRing(Napi::Env env, Napi::Object exports) {
  exports.Set("user_ring_buffer_push", Napi::Function::New(env, Push));
}

}  // namespace bpflab
