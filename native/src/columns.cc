#include "columns.h"

#include <endian.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <type_traits>
#include <utility>

namespace bpflab {

namespace {

constexpr size_t kAlign = 64, kHugePage = 2 << 20;
// What is asked for at a time when huge pages are slow: a request takes a fifth of the page faults it saves.
constexpr size_t kSmallPages = 256 << 10;
// Clearing a huge page takes 0.2 ms, clearing its 512 small ones 0.9. A virtual machine whose host has yet to find the
// memory takes 5, where small pages are found among those that were used before.
constexpr int64_t kSlowHugePageNs = 1000000;
constexpr int64_t kMostExact = int64_t{1} << 53;

size_t Align(size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

// What this thread has used, without the time in which others kept it from running.
int64_t ThreadCpuNs() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * int64_t{1000000000} + now.tv_nsec;
}

template <class Source>
Source Read(const uint8_t* at) {
  Source value;
  memcpy(&value, at, sizeof value);
  return value;
}

// One column of many records: the loop is over rows, so that the branch on the type is taken once a batch.
template <class Source, class Target>
void Copy(const Column& column, const Record* records, size_t n, uint8_t* to) {
  auto* target = reinterpret_cast<Target*>(to);
  if (column.count == 1) {
    for (size_t i = 0; i < n; i++) target[i] = static_cast<Target>(Read<Source>(records[i].data + column.offset));
    return;
  }
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < column.count; j++)
      *target++ = static_cast<Target>(Read<Source>(records[i].data + column.offset + j * sizeof(Source)));
}

// Also counts the values that a double cannot tell from their neighbours. Nearly always there are none: one look at all
// bits together says so, and lets signed conversion, which is one instruction, do for both.
template <class Source>
uint64_t CopyToDouble(const Column& column, const Record* records, size_t n, uint8_t* to) {
  auto* target = reinterpret_cast<double*>(to);
  uint64_t bits = 0;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < column.count; j++) {
      const auto value = Read<uint64_t>(records[i].data + column.offset + j * sizeof(Source));
      bits |= value;
      *target++ = static_cast<double>(static_cast<int64_t>(value));
    }
  if (bits <= static_cast<uint64_t>(kMostExact)) return 0;
  Copy<Source, double>(column, records, n, to);
  uint64_t inexact = 0;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < column.count; j++) {
      const auto value = Read<Source>(records[i].data + column.offset + j * sizeof(Source));
      inexact += value > static_cast<Source>(kMostExact) ||
                 (std::is_signed_v<Source> && value < static_cast<Source>(-kMostExact));
    }
  return inexact;
}

// The same of integers in network byte order, which are rare.
uint64_t CopySwappedToDouble(const Column& column, const Record* records, size_t n, uint8_t* to) {
  auto* target = reinterpret_cast<double*>(to);
  uint64_t inexact = 0;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < column.count; j++) {
      const uint64_t value = be64toh(Read<uint64_t>(records[i].data + column.offset + j * sizeof(uint64_t)));
      inexact += value > static_cast<uint64_t>(kMostExact);
      *target++ = static_cast<double>(value);
    }
  return inexact;
}

int64_t Integer(const uint8_t* at, uint32_t width, bool is_signed) {
  switch (width) {
    case 1:
      return is_signed ? Read<int8_t>(at) : Read<uint8_t>(at);
    case 2:
      return is_signed ? Read<int16_t>(at) : Read<uint16_t>(at);
    case 4:
      return is_signed ? Read<int32_t>(at) : static_cast<int64_t>(Read<uint32_t>(at));
    default:
      return Read<int64_t>(at);
  }
}

// Most text is a comm, and two comparisons are less than a call.
bool Same(const uint8_t* a, const uint8_t* b, size_t width) {
  if (width == 16) return Read<uint64_t>(a) == Read<uint64_t>(b) && Read<uint64_t>(a + 8) == Read<uint64_t>(b + 8);
  return memcmp(a, b, width) == 0;
}

int64_t BitField(const Column& column, const uint8_t* record) {
  uint64_t word = 0;
  memcpy(&word, record + column.offset, column.width);
  word <<= 64 - column.bit_offset - column.bit_size;
  if (column.is_signed) return static_cast<int64_t>(word) >> (64 - column.bit_size);
  return static_cast<int64_t>(word >> (64 - column.bit_size));
}

uint64_t DecodeColumn(Column& column, const Record* records, size_t n, uint8_t* to) {
  switch (column.decode) {
    case Decode::U8:
    case Decode::I8:
      Copy<uint8_t, uint8_t>(column, records, n, to);
      return 0;
    case Decode::U16:
    case Decode::I16:
      Copy<uint16_t, uint16_t>(column, records, n, to);
      return 0;
    case Decode::U16Be:
      Copy<uint16_t, uint16_t>(column, records, n, to);
      for (size_t i = 0; i < n * column.count; i++) {
        auto* value = reinterpret_cast<uint16_t*>(to) + i;
        *value = be16toh(*value);
      }
      return 0;
    case Decode::U32:
    case Decode::I32:
    case Decode::F32:
      Copy<uint32_t, uint32_t>(column, records, n, to);
      return 0;
    case Decode::U32Be:
      Copy<uint32_t, uint32_t>(column, records, n, to);
      for (size_t i = 0; i < n * column.count; i++) {
        auto* value = reinterpret_cast<uint32_t*>(to) + i;
        *value = be32toh(*value);
      }
      return 0;
    case Decode::F64:
    case Decode::U64Exact:
    case Decode::I64Exact:
      Copy<uint64_t, uint64_t>(column, records, n, to);
      return 0;
    case Decode::U64BeExact:
      Copy<uint64_t, uint64_t>(column, records, n, to);
      for (size_t i = 0; i < n * column.count; i++) {
        auto* value = reinterpret_cast<uint64_t*>(to) + i;
        *value = be64toh(*value);
      }
      return 0;
    case Decode::U64Be:
      return CopySwappedToDouble(column, records, n, to);
    case Decode::U64:
      return CopyToDouble<uint64_t>(column, records, n, to);
    case Decode::I64:
      return CopyToDouble<int64_t>(column, records, n, to);
    case Decode::Bits: {
      uint64_t inexact = 0;
      for (size_t i = 0; i < n; i++) {
        const int64_t value = BitField(column, records[i].data);
        inexact += value > kMostExact || value < -kMostExact;
        reinterpret_cast<double*>(to)[i] = static_cast<double>(value);
      }
      return inexact;
    }
    case Decode::Text:
      for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < column.count; j++)
          reinterpret_cast<uint32_t*>(to)[i * column.count + j] =
              column.dictionary->Text(records[i].data + column.offset + j * column.width, column.width);
      return 0;
    case Decode::Enum:
      if (column.bit_size) {
        for (size_t i = 0; i < n; i++)
          reinterpret_cast<uint32_t*>(to)[i] = column.dictionary->Enum(BitField(column, records[i].data));
        return 0;
      }
      for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < column.count; j++)
          reinterpret_cast<uint32_t*>(to)[i * column.count + j] = column.dictionary->Enum(
              Integer(records[i].data + column.offset + j * column.width, column.width, column.is_signed));
      return 0;
    case Decode::Variant:
      for (size_t i = 0; i < n; i++) reinterpret_cast<uint32_t*>(to)[i] = records[i].variant;
      return 0;
    case Decode::Tail:
      return 0;  // needs the chunk
  }
  return 0;
}

// Appends the rest of each record to the heap, in whole elements, and notes where each ends; `rows` are there already.
void AppendTails(const Column& column, const Record* records, size_t n, std::vector<uint8_t>* heap, double* ends,
                 size_t rows) {
  heap->resize(rows ? static_cast<size_t>(ends[rows - 1]) : 0);  // what an append left that ran out of memory
  for (size_t i = 0; i < n; i++) {
    const auto& [data, length, variant] = records[i];
    const int64_t offset = column.offsets.empty() ? column.offset : column.offsets[variant];
    if (offset >= 0 && length > offset) {
      size_t bytes = (length - static_cast<size_t>(offset)) / column.width * column.width;
      if (column.most) bytes = std::min<size_t>(bytes, column.most);
      heap->insert(heap->end(), data + offset, data + offset + bytes);
    }
    ends[rows + i] = static_cast<double>(heap->size());
  }
}

// A column that only some of a plan's types have, or each at another place: run by run of records of one type.
uint64_t DecodeRuns(Column& column, const Record* records, size_t n, uint8_t* to) {
  const size_t width = ElementSize(column.decode) * column.count;
  uint64_t inexact = 0;
  for (size_t i = 0; i < n;) {
    size_t end = i + 1;
    while (end < n && records[end].variant == records[i].variant) end++;
    const int64_t offset = column.offsets[records[i].variant];
    if (offset < 0) {
      memset(to + i * width, 0, (end - i) * width);
    } else {
      column.offset = static_cast<uint32_t>(offset);
      inexact += DecodeColumn(column, records + i, end - i, to + i * width);
    }
    i = end;
  }
  return inexact;
}

}  // namespace

bool Plan::Recognise(Record* record) const {
  int64_t tag = 0;
  if (tag_width) {
    if (record->length < uint64_t{tag_offset} + tag_width) return false;
    tag = Integer(record->data + tag_offset, tag_width, false);
  }
  for (uint32_t i = 0; i < variants.size(); i++) {
    const auto& variant = variants[i];
    if (tag_width && variant.tag != tag) continue;
    if (record->length < variant.least || record->length > variant.most) continue;
    record->variant = i;
    return true;
  }
  return false;
}

uint32_t Dictionary::Code(std::string_view text) {
  auto known = codes_.find(std::string(text));
  if (known != codes_.end()) return known->second;
  if (codes_.size() >= kMost) text = "(other)";
  // Both or neither, also when memory runs out: a code without its string would shift all that follow.
  added_.emplace_back(text);
  try {
    auto [entry, fresh] = codes_.emplace(text, static_cast<uint32_t>(codes_.size()));
    if (!fresh) added_.pop_back();
    return entry->second;
  } catch (...) {
    added_.pop_back();
    throw;
  }
}

uint32_t Dictionary::Text(const uint8_t* raw, size_t width) {
  // Neighbouring records often carry the same few strings: compare bytes before hashing text.
  uint64_t mix = 0;
  Slot* slot = nullptr;
  if (width <= kSlotWidth) {
    if (!slots_) slots_ = std::make_unique<Slot[]>(kSlots);
    for (size_t i = 0; i + 8 <= width; i += 8) mix = (mix ^ Read<uint64_t>(raw + i)) * 0x9e3779b97f4a7c15ull;
    for (size_t i = width / 8 * 8; i < width; i++) mix = (mix ^ raw[i]) * 0x9e3779b97f4a7c15ull;
    slot = &slots_[mix >> 56];
    if (slot->used && Same(slot->raw, raw, width)) return slot->code;
  }
  uint32_t code = Code({reinterpret_cast<const char*>(raw), strnlen(reinterpret_cast<const char*>(raw), width)});
  if (slot) {
    memcpy(slot->raw, raw, width);
    slot->code = code;
    slot->used = true;
  }
  return code;
}

void Dictionary::AddLabel(int64_t value, const std::string& label) { values_.emplace(value, Code(label)); }

uint32_t Dictionary::Enum(int64_t value) {
  auto known = values_.find(value);
  if (known != values_.end()) return known->second;
  uint32_t code = Code(std::to_string(value));
  if (values_.size() < kMost) values_.emplace(value, code);
  return code;
}

std::vector<std::string> Dictionary::TakeAdded() { return std::exchange(added_, {}); }

BlockPool::~BlockPool() {
  for (auto* block : free_) free(block);
}

uint8_t* BlockPool::Get() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!free_.empty()) {
      auto* block = free_.back();
      free_.pop_back();
      return block;
    }
  }
  void* block = nullptr;
  if (posix_memalign(&block, kAlign, bytes_)) throw std::bad_alloc();
  return static_cast<uint8_t*>(block);
}

void BlockPool::Put(uint8_t* block) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (free_.size() < kKeep)
    free_.push_back(block);
  else
    free(block);
}

size_t Chunk::Bytes(const Plan& plan, size_t rows) {
  size_t bytes = 0;
  for (const auto& column : plan.columns) bytes += Align(ElementSize(column.decode) * column.count * rows);
  return std::max<size_t>(bytes, kAlign);
}

void Chunk::LayOut(const Plan& plan, size_t rows_of_room) {
  capacity = rows_of_room;
  size_t at = 0;
  for (const auto& column : plan.columns) {
    offsets.push_back(at);
    at += Align(ElementSize(column.decode) * column.count * capacity);
  }
}

Chunk::Chunk(const Plan& plan, std::shared_ptr<BlockPool> from, size_t rows_of_room)
    : pool(std::move(from)), memory(pool->Get()) {
  LayOut(plan, rows_of_room);
}

std::unique_ptr<Chunk> Chunk::Reserve(const Plan& plan) {
  const size_t most = static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  std::unique_ptr<Chunk> chunk(new Chunk());
  // A whole number of huge pages for each column, so that none is shared.
  chunk->LayOut(plan, std::max<size_t>(most / plan.row_bytes() / kHugePage, 1) * kHugePage);
  chunk->reserved = Bytes(plan, chunk->capacity);
  void* memory =
      mmap(nullptr, chunk->reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  chunk->memory = static_cast<uint8_t*>(memory);
  for (size_t c = 0; c < plan.columns.size(); c++) {
    // A huge page at a time; not at a column's beginning, where most tables end.
    uint8_t* column = chunk->memory + chunk->offsets[c];
    const size_t bytes = ElementSize(plan.columns[c].decode) * plan.columns[c].count * chunk->capacity;
    const size_t skipped = 2 * kHugePage - reinterpret_cast<uintptr_t>(column) % kHugePage;
    chunk->ready.push_back(std::min(skipped, bytes));
    if (skipped < bytes) madvise(column + skipped, bytes - skipped, MADV_HUGEPAGE);
  }
  return chunk;
}

Chunk::~Chunk() {
  if (!memory) return;
  if (pool)
    pool->Put(memory);
  else
    munmap(memory, reserved);
}

void Chunk::Extend(const Plan& plan, size_t n) {
  for (size_t c = 0; c < ready.size(); c++) {
    const size_t width = ElementSize(plan.columns[c].decode) * plan.columns[c].count;
    while (ready[c] < (rows + n) * width) {
      const size_t bytes = std::min(huge ? kHugePage : kSmallPages, width * capacity - ready[c]);
      const int64_t begun = ThreadCpuNs();
      madvise(memory + offsets[c] + ready[c], bytes, MADV_POPULATE_WRITE);  // since 5.14; else there are page faults
      ready[c] += bytes;
      if (!huge || ThreadCpuNs() - begun <= kSlowHugePageNs) continue;
      huge = false;
      madvise(memory, reserved, MADV_NOHUGEPAGE);
    }
  }
}

uint64_t Chunk::Append(Plan& plan, const Record* records, size_t n) {
  Extend(plan, n);
  heaps.resize(plan.columns.size());
  uint64_t inexact = 0;
  for (size_t c = 0; c < plan.columns.size(); c++) {
    auto& column = plan.columns[c];
    uint8_t* to = memory + offsets[c] + rows * ElementSize(column.decode) * column.count;
    if (column.decode == Decode::Tail)
      AppendTails(column, records, n, &heaps[c], reinterpret_cast<double*>(memory + offsets[c]), rows);
    else if (column.offsets.empty())
      inexact += DecodeColumn(column, records, n, to);
    else
      inexact += DecodeRuns(column, records, n, to);
  }
  rows += n;
  return inexact;
}

size_t Chunk::heap_bytes() const {
  size_t bytes = 0;
  for (const auto& heap : heaps) bytes += heap.capacity();
  return bytes;
}

}  // namespace bpflab
