#include "stream.h"

#include <algorithm>
#include <new>
#include <utility>

namespace bpflab {

namespace {

constexpr size_t kMostRows = 1 << 16, kLeastRows = 64;

size_t RowsOfChunk(const Plan& plan, size_t buffer_bytes) {
  size_t bytes = std::min(kChunkBytes, buffer_bytes / 4);
  return std::clamp(bytes / std::max<size_t>(plan.row_bytes(), 1), kLeastRows, kMostRows);
}

}  // namespace

Stream::Stream(Plan plan, size_t buffer_bytes)
    : plan_(std::move(plan)),
      buffer_bytes_(buffer_bytes),
      chunk_rows_(RowsOfChunk(plan_, buffer_bytes)),
      pool_(std::make_shared<BlockPool>(Chunk::Bytes(plan_, chunk_rows_))) {}

void Stream::Close() {
  if (closed_.exchange(true)) return;
  std::lock_guard<std::mutex> lock(mutex_);
  CountLost(&totals_);
  Release();
  totals_.unread += rows_;
  rows_ = 0;
  // The handle may stay for long: the garbage collector sees a few bytes and not the megabytes behind it.
  chunks_.clear();
  pool_.reset();
  plan_.columns.clear();
}

size_t Stream::Drain() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return 0;
  Read();
  return rows_;
}

void Stream::Accept(Record* records, size_t n) {
  if (!subscribed()) {
    totals_.unread += n;
    return;
  }
  size_t good = 0;
  for (size_t i = 0; i < n; i++) {
    if (plan_.Recognise(&records[i])) {
      records[good++] = records[i];
    } else {
      totals_.malformed++;
      totals_.malformed_length = records[i].length;
    }
  }
  Keep(records, good);
}

void Stream::Keep(const Record* records, size_t n) try {
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

bool Stream::AddChunk() {
  if (subscription_ == Subscription::kGather) {
    if (auto chunk = Chunk::Reserve(plan_)) {
      chunks_.push_back(std::move(chunk));
      return true;
    }
  } else if (!chunks_.empty()) {
    size_t held = (chunks_.size() + 1) * pool_->bytes();
    for (const auto& chunk : chunks_) held += chunk->heap_bytes();
    if (held > buffer_bytes_) return false;
  }
  chunks_.push_back(std::make_unique<Chunk>(plan_, pool_, chunk_rows_));
  return true;
}

void Stream::Subscribe(Subscription how) {
  if (how != Subscription::kNone && !subscribed()) Drain();  // what came before is unread
  std::lock_guard<std::mutex> lock(mutex_);
  subscription_ = how;
  if (how == Subscription::kNone) {
    totals_.unread += rows_;
    rows_ = 0;
    chunks_.clear();
    Note();
  }
}

Counts Stream::counts() const {
  return {totals_.delivered + rows_, totals_.dropped, totals_.unread, totals_.malformed};
}

std::deque<std::unique_ptr<Chunk>> Stream::Take() {
  std::lock_guard<std::mutex> lock(mutex_);
  totals_.delivered += rows_;
  rows_ = 0;
  return std::exchange(chunks_, {});
}

Totals Stream::totals() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (!closed_) CountLost(&totals_);
  totals_.waiting = rows_;
  return totals_;
}

}  // namespace bpflab
