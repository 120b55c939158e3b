// Any bytes in the records of one plan that has every kind of column: each value is what the simplest code makes of it.
#include <endian.h>

#include <string>

#include "../src/plan_check.h"
#include "reader.h"

using namespace bpflab;

namespace {

constexpr size_t kSize = 72;

Column At(Decode decode, uint32_t offset, uint32_t width = 0, uint32_t count = 1) {
  Column column = {};
  column.decode = decode;
  column.offset = offset;
  column.width = width;
  column.count = count;
  if (decode == Decode::Text || decode == Decode::Enum) column.dictionary = std::make_unique<Dictionary>();
  return column;
}

Plan Everything() {
  Plan plan;
  plan.record_size = kSize;
  plan.variants = {{0, kSize, UINT32_MAX}};
  plan.columns.push_back(At(Decode::U64, 0, 0, 2));
  plan.columns.push_back(At(Decode::I64, 16));
  plan.columns.push_back(At(Decode::U64Exact, 1));
  plan.columns.push_back(At(Decode::U32, 24));
  plan.columns.push_back(At(Decode::U16Be, 28));
  plan.columns.push_back(At(Decode::U8, 30));
  Column bits = At(Decode::Bits, 40, 4);
  bits.bit_offset = 3;
  bits.bit_size = 11;
  bits.is_signed = true;
  plan.columns.push_back(std::move(bits));
  plan.columns.push_back(At(Decode::Text, 32, 16));
  plan.columns.push_back(At(Decode::Enum, 48, 8));
  plan.columns.push_back(At(Decode::Text, 56, 5, 3));
  plan.columns.push_back(At(Decode::Tail, kSize, 3));
  return plan;
}

template <class Number>
Number Load(const uint8_t* from) {
  Number number;
  memcpy(&number, from, sizeof number);
  return number;
}

void Expect(bool holds) {
  if (!holds) __builtin_trap();
}

class Decoded {
 public:
  Decoded(Plan* plan, const Chunk& chunk) : chunk_(chunk) {
    for (auto& column : plan->columns)
      labels_.push_back(column.dictionary ? column.dictionary->TakeAdded() : std::vector<std::string>());
  }
  template <class Element>
  Element At(size_t column, size_t index) const {
    return reinterpret_cast<const Element*>(chunk_.memory + chunk_.offsets[column])[index];
  }
  const std::string& Label(size_t column, size_t index) const {
    return labels_[column].at(At<uint32_t>(column, index));
  }

 private:
  const Chunk& chunk_;
  std::vector<std::vector<std::string>> labels_;
};

std::string TextOf(const uint8_t* from, size_t width) {
  const char* text = reinterpret_cast<const char*>(from);
  return {text, strnlen(text, width)};
}

bool IsExact(uint64_t value) { return value <= uint64_t{1} << 53; }
bool IsExact(int64_t value) { return value >= -(int64_t{1} << 53) && value <= int64_t{1} << 53; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Reader input(data, size);
  Plan plan = Everything();
  Expect(PlanFault(plan).empty());
  std::vector<std::vector<uint8_t>> memory;
  std::vector<Record> records;
  while (!input.empty() && records.size() < 40) {
    const bool repeats = !memory.empty() && input.Next<uint8_t>() % 4 == 0;
    memory.push_back(repeats ? memory.back() : input.Bytes(kSize + input.Next<uint8_t>() % 16));
    Record record = {memory.back().data(), static_cast<uint32_t>(memory.back().size()), 0};
    Expect(plan.Recognise(&record));
    records.push_back(record);
  }
  if (records.empty()) return 0;
  auto pool = std::make_shared<BlockPool>(Chunk::Bytes(plan, records.size()));
  Chunk chunk(plan, pool, records.size());
  const uint64_t inexact = chunk.Append(plan, records.data(), records.size());
  const Decoded decoded(&plan, chunk);
  uint64_t expected_inexact = 0;
  size_t tail = 0;
  for (size_t i = 0; i < records.size(); i++) {
    const uint8_t* from = records[i].data;
    for (size_t j = 0; j < 2; j++) {
      const auto value = Load<uint64_t>(from + 8 * j);
      expected_inexact += !IsExact(value);
      Expect(decoded.At<double>(0, 2 * i + j) == static_cast<double>(value));
    }
    const auto value = Load<int64_t>(from + 16);
    expected_inexact += !IsExact(value);
    Expect(decoded.At<double>(1, i) == static_cast<double>(value));
    Expect(decoded.At<uint64_t>(2, i) == Load<uint64_t>(from + 1));
    Expect(decoded.At<uint32_t>(3, i) == Load<uint32_t>(from + 24));
    Expect(decoded.At<uint16_t>(4, i) == (from[28] << 8 | from[29]));
    Expect(decoded.At<uint8_t>(5, i) == from[30]);
    int64_t field = Load<uint32_t>(from + 40) >> 3 & 0x7ff;
    if (field & 0x400) field -= 0x800;
    Expect(decoded.At<double>(6, i) == static_cast<double>(field));
    Expect(decoded.Label(7, i) == TextOf(from + 32, 16));
    Expect(decoded.Label(8, i) == std::to_string(Load<int64_t>(from + 48)));
    for (size_t j = 0; j < 3; j++) Expect(decoded.Label(9, 3 * i + j) == TextOf(from + 56 + 5 * j, 5));
    const size_t rest = (records[i].length - kSize) / 3 * 3;
    Expect(chunk.heaps[10].size() >= tail + rest);
    Expect(rest == 0 || memcmp(chunk.heaps[10].data() + tail, from + kSize, rest) == 0);
    tail += rest;
    Expect(decoded.At<double>(10, i) == static_cast<double>(tail));
  }
  Expect(inexact == expected_inexact);
  return 0;
}
