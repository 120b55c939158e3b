#include "ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <new>
#include <stdexcept>
#include <utility>

namespace bpflab {

namespace {

// The layout is the kernel's: kernel/bpf/ringbuf.c, described in Documentation/bpf/ringbuf.rst.
// A record is an 8-byte header (length and two flags) and its data, padded to 8 bytes.
constexpr uint32_t kLength = ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

constexpr size_t kMostRows = 1 << 16, kLeastRows = 64;

size_t RowsOfChunk(const Plan& plan, size_t buffer_bytes) {
  size_t bytes = std::min(kChunkBytes, buffer_bytes / 4);
  return std::clamp(bytes / std::max<size_t>(plan.row_bytes(), 1), kLeastRows, kMostRows);
}

}  // namespace

Ring::Ring(std::shared_ptr<Map> map, Plan plan, size_t buffer_bytes, std::shared_ptr<Map> loss, size_t loss_offset)
    : map_(std::move(map)),
      loss_map_(std::move(loss)),
      plan_(std::move(plan)),
      buffer_bytes_(buffer_bytes),
      loss_offset_(loss_offset),
      chunk_rows_(RowsOfChunk(plan_, buffer_bytes)),
      pool_(std::make_shared<BlockPool>(Chunk::Bytes(plan_, chunk_rows_))),
      padded_(std::make_unique<uint8_t[]>(kBatch * plan_.record_size)),
      page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))),
      size_(map_->max_entries()) {
  void* consumer = mmap(nullptr, page_, PROT_READ | PROT_WRITE, MAP_SHARED, map_->fd(), 0);
  if (consumer == MAP_FAILED) throw std::runtime_error("the ring buffer cannot be mapped");
  consumer_ = static_cast<uint8_t*>(consumer);
  void* producer = mmap(nullptr, page_ + 2 * size_, PROT_READ, MAP_SHARED, map_->fd(), static_cast<off_t>(page_));
  if (producer == MAP_FAILED) {
    munmap(consumer_, page_);
    throw std::runtime_error("the ring buffer cannot be mapped");
  }
  producer_ = static_cast<uint8_t*>(producer);
}

void Ring::Close() {
  if (closed_.exchange(true)) return;
  std::lock_guard<std::mutex> lock(mutex_);
  munmap(consumer_, page_);
  munmap(producer_, page_ + 2 * size_);
  totals_.unread += rows_;
  rows_ = 0;
  // The handle may stay for long: the garbage collector sees a few bytes and not the megabytes behind it.
  chunks_.clear();
  pool_.reset();
  padded_.reset();
  plan_.columns.clear();
}

size_t Ring::Drain() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return 0;
  auto* consumer_position = reinterpret_cast<unsigned long*>(consumer_);
  auto* producer_position = reinterpret_cast<unsigned long*>(producer_);
  const uint8_t* data = producer_ + page_;
  unsigned long consumed = *consumer_position;
  // At most one ring's worth, so that a flood cannot keep the lock from the taker.
  const unsigned long stop = consumed + size_;
  const uint8_t* records[kBatch];
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
      const size_t length = word & kLength;
      consumed += (length + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
      if (word & BPF_RINGBUF_DISCARD_BIT) continue;
      const uint8_t* record = header + BPF_RINGBUF_HDR_SZ;
      if (length < plan_.record_size) {
        uint8_t* whole = padded_.get() + n * plan_.record_size;
        memcpy(whole, record, length);
        memset(whole + length, 0, plan_.record_size - length);
        record = whole;
      }
      records[n++] = record;
    }
    if (subscribed())
      Keep(records, n);
    else
      totals_.unread += n;
    __atomic_store_n(consumer_position, consumed, __ATOMIC_RELEASE);
  }
  return rows_;
}

void Ring::Keep(const uint8_t* const* records, size_t n) try {
  while (n > 0) {
    if ((chunks_.empty() || chunks_.back()->rows == chunks_.back()->capacity) && !AddChunk()) {
      totals_.dropped += n;
      return;
    }
    Chunk& chunk = *chunks_.back();
    const size_t fit = std::min(n, chunk.capacity - chunk.rows);
    totals_.inexact += chunk.Append(plan_, records, fit);
    rows_ += fit;
    records += fit;
    n -= fit;
  }
} catch (const std::bad_alloc&) {
  totals_.dropped += n;  // the thread must not end the process over events
}

bool Ring::AddChunk() {
  if (subscription_ == Subscription::kGather) {
    if (auto chunk = Chunk::Reserve(plan_)) {
      chunks_.push_back(std::move(chunk));
      return true;
    }
  } else if ((chunks_.size() + 1) * pool_->bytes() > buffer_bytes_ && !chunks_.empty()) {
    return false;
  }
  chunks_.push_back(std::make_unique<Chunk>(plan_, pool_, chunk_rows_));
  return true;
}

void Ring::Subscribe(Subscription how) {
  if (how != Subscription::kNone && !subscribed()) Drain();  // what came before is unread
  std::lock_guard<std::mutex> lock(mutex_);
  subscription_ = how;
  if (how == Subscription::kNone) {
    totals_.unread += rows_;
    rows_ = 0;
    chunks_.clear();
  }
}

std::deque<std::unique_ptr<Chunk>> Ring::Take() {
  std::lock_guard<std::mutex> lock(mutex_);
  totals_.delivered += rows_;
  rows_ = 0;
  return std::exchange(chunks_, {});
}

Totals Ring::totals() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (loss_map_ && !loss_map_->IsClosed())
    if (auto* memory = loss_map_->Memory())
      totals_.lost = __atomic_load_n(reinterpret_cast<uint64_t*>(memory + loss_offset_), __ATOMIC_RELAXED);
  totals_.waiting = rows_;
  return totals_;
}

}  // namespace bpflab
