// A stream of records from the kernel, and the columns it fills; ring.h and perf_buffer.h say where records come from.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "columns.h"
#include "handle.h"
#include "journal.h"

namespace bpflab {

// What became of every record, since the stream was opened. All counts.
struct Totals {
  uint64_t delivered = 0;           // handed to JavaScript
  uint64_t waiting = 0;             // read, and not handed over yet
  uint64_t lost = 0;                // never written: there was no room when the program had one
  bool is_lost_known = false;       // false where nobody counts those
  std::vector<uint64_t> lost_cpus;  // the same by CPU, where the kernel counts so
  uint64_t dropped = 0;             // read, but over the memory bound
  uint64_t unread = 0;              // read while nobody subscribed
  uint64_t malformed = 0;           // read, but of another length than their type has, or of none that is known
  uint64_t malformed_length = 0;    // of the last of these
  uint64_t inexact = 0;             // 64-bit values beyond 2^53 in double columns
};

// What becomes of the records of a stream.
enum class Subscription : uint8_t {
  kNone,    // counted as unread, and not kept
  kBatch,   // kept for a taker who comes often: within the memory bound, in blocks that are used again
  kGather,  // kept for a taker who comes once, for all: in one piece, however long it gets
};

class Stream : public Closable {
 public:
  BPFLAB_HANDLE("ring buffer", 0x6270666c61620005, 0x72696e6700000005);

  void Close() override;
  bool IsClosed() const override { return closed_; }

  // Reads all records that are complete. Any thread. Returns how many rows wait to be taken.
  size_t Drain();
  void Subscribe(Subscription how);
  bool subscribed() const { return subscription_.load(std::memory_order_relaxed) != Subscription::kNone; }
  // Moves out what waits; the last chunk may be partly filled.
  std::deque<std::unique_ptr<Chunk>> Take();
  Totals totals();
  Plan& plan() { return plan_; }
  std::mutex& mutex() { return mutex_; }
  // What becomes readable when records wait.
  virtual std::vector<int> fds() const = 0;

 protected:
  static constexpr size_t kBatch = 256;

  Stream(Plan plan, size_t buffer_bytes);

  // These are called with the lock held. Reads what is there, and hands it to Accept, at most kBatch at a time.
  virtual void Read() = 0;
  // Writes the counts down where they outlive this process, if there is such a place.
  virtual void Note() {}
  virtual void CountLost(Totals* totals) = 0;
  // Gives back what the kernel shares with us.
  virtual void Release() = 0;
  void Accept(Record* records, size_t n);
  // What became of all records that were accepted.
  Counts counts() const;

 private:
  void Keep(const Record* records, size_t n);
  // Room for more rows; false when the memory bound is reached.
  bool AddChunk();

  Plan plan_;
  const size_t buffer_bytes_;
  size_t chunk_rows_;
  std::shared_ptr<BlockPool> pool_;

  std::mutex mutex_;  // guards all below, and plan_'s dictionaries
  std::deque<std::unique_ptr<Chunk>> chunks_;
  size_t rows_ = 0;
  Totals totals_;
  std::atomic<Subscription> subscription_{Subscription::kNone};
  std::atomic<bool> closed_{false};
};

}  // namespace bpflab
