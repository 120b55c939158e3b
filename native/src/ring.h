// One ring buffer map: its mapped memory, its consumer position, and the columns it fills.
#pragma once

#include <deque>
#include <atomic>
#include <memory>
#include <mutex>

#include "columns.h"
#include "map.h"

namespace bpflab {

// What became of every record, since the ring was added. All counts.
struct Totals {
  uint64_t delivered = 0;  // handed to JavaScript
  uint64_t waiting = 0;    // read, and not handed over yet
  uint64_t lost = 0;       // never written: the ring was full when the program reserved
  uint64_t dropped = 0;    // read, but over the memory bound
  uint64_t unread = 0;     // read while nobody subscribed
  uint64_t inexact = 0;    // 64-bit values beyond 2^53 in double columns
};

// What becomes of the records of a ring.
enum class Subscription : uint8_t {
  kNone,    // counted as unread, and not kept
  kBatch,   // kept for a taker who comes often: within the memory bound, in blocks that are used again
  kGather,  // kept for a taker who comes once, for all: in one piece, however long it gets
};

class Ring : public Closable {
 public:
  BPFLAB_HANDLE("ring buffer", 0x6270666c61620005, 0x72696e6700000005);

  // Throws std::runtime_error if the map cannot be mapped. `loss` may be null: then losses cannot be counted.
  Ring(std::shared_ptr<Map> map, Plan plan, size_t buffer_bytes, std::shared_ptr<Map> loss, size_t loss_offset);
  ~Ring() override { Close(); }

  void Close() override;
  bool IsClosed() const override { return closed_; }

  // Reads all committed records. Any thread. Returns how many rows wait to be taken.
  size_t Drain();
  void Subscribe(Subscription how);
  bool subscribed() const { return subscription_.load(std::memory_order_relaxed) != Subscription::kNone; }
  // Moves out what waits; the last chunk may be partly filled.
  std::deque<std::unique_ptr<Chunk>> Take();
  Totals totals();
  Plan& plan() { return plan_; }
  std::mutex& mutex() { return mutex_; }
  int fd() const { return map_->fd(); }

 private:
  static constexpr size_t kBatch = 256;

  void Keep(const uint8_t* const* records, size_t n);
  // Room for more rows; false when the memory bound is reached.
  bool AddChunk();

  std::shared_ptr<Map> map_, loss_map_;
  Plan plan_;
  const size_t buffer_bytes_, loss_offset_;
  size_t chunk_rows_;
  std::shared_ptr<BlockPool> pool_;

  std::mutex mutex_;  // guards all below, and plan_'s dictionaries
  std::deque<std::unique_ptr<Chunk>> chunks_;
  std::unique_ptr<uint8_t[]> padded_;  // records shorter than the plan, filled up with zeros
  size_t rows_ = 0;
  Totals totals_;
  std::atomic<Subscription> subscription_{Subscription::kNone};
  std::atomic<bool> closed_{false};

  size_t page_, size_;
  uint8_t* consumer_ = nullptr;  // one page: our position
  uint8_t* producer_ = nullptr;  // one page: the kernel's position, then the data twice over
};

}  // namespace bpflab
