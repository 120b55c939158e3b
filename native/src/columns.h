// Records to columns: the plan made from BTF, the dictionaries, and the memory that columns fill.
#pragma once

#include <stdint.h>
#include <string.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace bpflab {

// How a field becomes a column. The name says what stands in the record.
// Tail is all of a record from the field on; Variant says which of the plan's types the record is of.
enum class Decode : uint8_t {
  U8,
  I8,
  U16,
  U16Be,
  I16,
  U32,
  U32Be,
  I32,
  F32,
  F64,
  U64,
  U64Be,
  I64,
  U64Exact,
  U64BeExact,
  I64Exact,
  Bits,
  Text,
  Enum,
  Tail,
  Variant
};

// Bytes of one element in the column: 64-bit integers and bit fields become doubles, text and enums 32-bit codes.
inline size_t ElementSize(Decode decode) {
  switch (decode) {
    case Decode::U8:
    case Decode::I8:
      return 1;
    case Decode::U16:
    case Decode::U16Be:
    case Decode::I16:
      return 2;
    case Decode::U32:
    case Decode::U32Be:
    case Decode::I32:
    case Decode::F32:
    case Decode::Text:
    case Decode::Enum:
    case Decode::Variant:
      return 4;
    default:
      return 8;
  }
}

// Text to 32-bit codes. Codes are stable for the dictionary's life, in order of first appearance.
class Dictionary {
 public:
  // Past this many different strings the rest share one code, "(other)": a dictionary must not grow without end.
  static constexpr size_t kMost = 1 << 20;

  // The code of a NUL-terminated or full char[width].
  uint32_t Text(const uint8_t* raw, size_t width);
  // The code of an enum value; labels come first, other values are named by their number.
  uint32_t Enum(int64_t value);
  void AddLabel(int64_t value, const std::string& label);

  // Strings that got a code since the last call.
  std::vector<std::string> TakeAdded();

 private:
  static constexpr size_t kSlots = 256, kSlotWidth = 64;
  struct Slot {
    uint32_t code;
    bool used = false;
    uint8_t raw[kSlotWidth];
  };

  uint32_t Code(std::string_view text);

  std::unordered_map<std::string, uint32_t> codes_;
  std::unordered_map<int64_t, uint32_t> values_;
  std::vector<std::string> added_;
  std::unique_ptr<Slot[]> slots_;
};

struct Column {
  Decode decode;
  uint32_t offset;               // in the record, bytes
  std::vector<int64_t> offsets;  // by variant, where there are several; negative in those without this field
  uint32_t width;  // of the source: char[width] for Text, the integer's bytes for Enum and Bits, an element's for Tail
  uint32_t count = 1;       // elements a row: more than one for a fixed array
  uint32_t bit_offset = 0;  // Bits, and Enum in a bit field: from the field's first bit, little endian
  uint32_t bit_size = 0;    // of at most 63, so that any fits an int64_t; 0 where there is no bit field
  bool is_signed = false;   // Bits and Enum
  uint32_t most = 0;        // Tail: bytes of the longest; 0 where there is no limit
  std::unique_ptr<Dictionary> dictionary;
};

// A record as it came.
struct Record {
  const uint8_t* data;
  uint32_t length;
  uint32_t variant;  // which of the plan's types it is of
};

// A type of record: by its tag, if the plan has one, and by how long it may be.
struct Variant {
  int64_t tag = 0;
  size_t least, most;
};

struct Plan {
  size_t record_size;
  std::vector<Column> columns;
  std::vector<Variant> variants;
  uint32_t tag_offset = 0, tag_width = 0;  // where a record says of which type it is; no width: its length says

  // Finds out which variant a record is of; false for none.
  bool Recognise(Record* record) const;

  size_t row_bytes() const {
    size_t bytes = 0;
    for (const auto& column : columns) bytes += ElementSize(column.decode) * column.count;
    return bytes;
  }
};

// Big enough that handing over costs little, small enough that a ring at rest holds little.
constexpr size_t kChunkBytes = 2 << 20;

// Blocks of one size, recycled: a page that was touched once need not be zeroed by the kernel again.
class BlockPool : public std::enable_shared_from_this<BlockPool> {
 public:
  explicit BlockPool(size_t bytes) : bytes_(bytes) {}
  ~BlockPool();
  uint8_t* Get();
  void Put(uint8_t* block);
  size_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kKeep = 4;
  const size_t bytes_;
  std::mutex mutex_;
  std::vector<uint8_t*> free_;
};

// Memory being filled: the columns stand one after the other, each with room for `capacity` rows.
struct Chunk {
  std::shared_ptr<BlockPool> pool;  // where the memory goes when it is free; null when it was reserved
  uint8_t* memory = nullptr;
  size_t capacity = 0;
  size_t rows = 0;
  size_t reserved = 0;          // bytes of addresses, when there is no pool
  std::vector<size_t> offsets;  // of each column in the memory
  // Of each column that is a Tail the bytes of all rows; the column has where each row's end.
  std::vector<std::vector<uint8_t>> heaps;

  // A block of the pool, which has room for so many rows.
  Chunk(const Plan& plan, std::shared_ptr<BlockPool> from, size_t rows_of_room);
  // Addresses for as many rows as the machine has memory for, and memory for those that come. Null when the kernel
  // gives out no addresses without memory behind them.
  static std::unique_ptr<Chunk> Reserve(const Plan& plan);
  ~Chunk();
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;

  // Bytes of a block with room for so many rows.
  static size_t Bytes(const Plan& plan, size_t rows);
  // Appends n records; returns how many 64-bit values lost digits.
  uint64_t Append(Plan& plan, const Record* records, size_t n);
  size_t heap_bytes() const;

 private:
  Chunk() = default;
  void LayOut(const Plan& plan, size_t rows_of_room);
  // Gets memory for the next n rows, and some more, from the kernel.
  void Extend(const Plan& plan, size_t n);

  bool huge = true;           // whether in huge pages
  std::vector<size_t> ready;  // bytes of each column that have memory or are left to page faults
};

}  // namespace bpflab
