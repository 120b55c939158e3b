#include "ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

namespace bpflab {

namespace {

// The layout is the kernel's: kernel/bpf/ringbuf.c, described in Documentation/bpf/ringbuf.rst.
// A record is an 8-byte header (length and two flags) and its data, padded to 8 bytes.
constexpr uint32_t kLength = ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

}  // namespace

Ring::Ring(std::shared_ptr<Map> map, Plan plan, size_t buffer_bytes, std::shared_ptr<Map> loss,
           std::vector<size_t> loss_offsets)
    : Stream(std::move(plan), buffer_bytes),
      map_(std::move(map)),
      loss_map_(std::move(loss)),
      loss_offsets_(std::move(loss_offsets)),
      page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))),
      size_(map_->max_entries()) {
  void* consumer = mmap(nullptr, page_, PROT_READ | PROT_WRITE, MAP_SHARED, map_->fd(), 0);
  if (consumer == MAP_FAILED) throw std::runtime_error("the ring buffer cannot be mapped");
  consumer_ = static_cast<uint8_t*>(consumer);
  void* producer = mmap(nullptr, page_ + 2 * size_, PROT_READ, MAP_SHARED, map_->fd(), static_cast<off_t>(page_));
  if (producer == MAP_FAILED) {
    munmap(consumer_, page_);
    consumer_ = nullptr;
    throw std::runtime_error("the ring buffer cannot be mapped");
  }
  producer_ = static_cast<uint8_t*>(producer);
  journal_ = Journal(consumer_);
}

void Ring::Release() {
  munmap(consumer_, page_);
  munmap(producer_, page_ + 2 * size_);
}

void Ring::Read() {
  auto* consumer_position = reinterpret_cast<unsigned long*>(consumer_);
  auto* producer_position = reinterpret_cast<unsigned long*>(producer_);
  const uint8_t* data = producer_ + page_;
  unsigned long consumed = *consumer_position;
  // At most one ring's worth, so that a flood cannot keep the lock from the taker.
  const unsigned long stop = consumed + size_;
  Record records[kBatch];
  for (bool busy = false; !busy && consumed < stop;) {
    const unsigned long produced = __atomic_load_n(producer_position, __ATOMIC_ACQUIRE);
    if (consumed == produced) break;
    size_t n = 0;
    while (consumed < produced && n < kBatch) {
      const uint8_t* header = data + (consumed & (size_ - 1));
      const uint32_t word = __atomic_load_n(reinterpret_cast<const uint32_t*>(header), __ATOMIC_ACQUIRE);
      if (word & BPF_RINGBUF_BUSY_BIT) {
        busy = true;  // reserved and not yet committed; those behind it have to wait
        break;
      }
      const uint32_t length = word & kLength;
      consumed += (length + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
      if (word & BPF_RINGBUF_DISCARD_BIT) continue;
      records[n++] = {header + BPF_RINGBUF_HDR_SZ, length, 0};
    }
    Accept(records, n);
    journal_.Write(consumed, counts());
    __atomic_store_n(consumer_position, consumed, __ATOMIC_RELEASE);
  }
}

void Ring::Note() { journal_.Write(*reinterpret_cast<unsigned long*>(consumer_), counts()); }

void Ring::CountLost(Totals* totals) {
  auto* memory = loss_map_ && !loss_map_->IsClosed() ? loss_map_->Memory() : nullptr;
  if (!memory) return;
  totals->lost = 0;
  for (size_t offset : loss_offsets_)
    totals->lost += __atomic_load_n(reinterpret_cast<uint64_t*>(memory + offset), __ATOMIC_RELAXED);
  totals->is_lost_known = true;
}

namespace {

// Committed records from a position on.
uint64_t CountWaiting(const uint8_t* data, size_t size, unsigned long from, unsigned long to) {
  uint64_t count = 0;
  while (from < to) {
    const uint32_t word =
        __atomic_load_n(reinterpret_cast<const uint32_t*>(data + (from & (size - 1))), __ATOMIC_ACQUIRE);
    if (word & BPF_RINGBUF_BUSY_BIT) break;
    if (!(word & BPF_RINGBUF_DISCARD_BIT)) count++;
    from += ((word & kLength) + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
  }
  return count;
}

}  // namespace

Napi::Value RingJournal(const Napi::CallbackInfo& info) {
  auto env = info.Env();
  auto map = Unwrap<Map>(info, 0);
  if (map->type() != BPF_MAP_TYPE_RINGBUF) ThrowArgument(env, "argument 1 is not a ring buffer map");
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t size = map->max_entries(), bytes = 2 * page + 2 * size;
  void* mapped = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, map->fd(), 0);
  if (mapped == MAP_FAILED) throw SystemError(env, errno, "the ring buffer cannot be mapped");
  auto* memory = static_cast<uint8_t*>(mapped);
  auto position = [](const uint8_t* at) {
    return __atomic_load_n(reinterpret_cast<const uint64_t*>(at), __ATOMIC_ACQUIRE);
  };
  const auto counts = Journal(memory).Read();
  const uint64_t waiting = CountWaiting(memory + 2 * page, size, position(memory), position(memory + page));
  munmap(mapped, bytes);
  if (!counts) return env.Undefined();
  auto result = Napi::Object::New(env);
  auto number = [&](const char* name, uint64_t value) {
    result.Set(name, Napi::Number::New(env, static_cast<double>(value)));
  };
  number("kept", counts->kept);
  number("dropped", counts->dropped);
  number("unread", counts->unread);
  number("malformed", counts->malformed);
  number("waiting", waiting);
  return result;
}

}  // namespace bpflab
