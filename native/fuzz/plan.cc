// Any plan at all: one that is not refused reads no byte outside of its records, and writes none outside of its
// columns.
#include "../src/plan_check.h"
#include "reader.h"

using namespace bpflab;

namespace {

constexpr size_t kMostRowBytes = 1 << 16;

Plan AnyPlan(Reader* input) {
  Plan plan;
  plan.record_size = input->Mostly(80);
  plan.tag_offset = input->Mostly(16);
  plan.tag_width = input->Next<uint8_t>() % 10;
  for (int i = input->Next<uint8_t>() % 4; i >= 0; i--) {
    Variant variant = {};
    variant.tag = input->Next<uint8_t>() % 4;
    variant.least = input->Mostly(80);
    variant.most = input->Next<uint8_t>() % 2 ? UINT32_MAX : input->Mostly(80);
    plan.variants.push_back(variant);
  }
  for (int i = input->Next<uint8_t>() % 6; i >= 0; i--) {
    Column column = {};
    column.decode = static_cast<Decode>(input->Next<uint8_t>() % (static_cast<int>(Decode::Variant) + 1));
    column.offset = input->Mostly(80);
    column.width = input->Mostly(20);
    column.count = input->Mostly(8);
    column.bit_offset = input->Mostly(64);
    column.bit_size = input->Mostly(64);
    column.is_signed = input->Next<uint8_t>() % 2;
    column.most = input->Mostly(16);
    if (input->Next<uint8_t>() % 2)
      for (size_t j = 0; j < plan.variants.size(); j++)
        column.offsets.push_back(static_cast<int64_t>(input->Mostly(80)) - (input->Next<uint8_t>() % 4 ? 0 : 60));
    if (column.decode == Decode::Text || column.decode == Decode::Enum) {
      column.dictionary = std::make_unique<Dictionary>();
      column.dictionary->AddLabel(input->Next<uint8_t>(), "a label");
    }
    plan.columns.push_back(std::move(column));
  }
  return plan;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Reader input(data, size);
  Plan plan = AnyPlan(&input);
  if (!PlanFault(plan).empty() || plan.row_bytes() > kMostRowBytes) return 0;
  std::vector<std::vector<uint8_t>> memory;
  std::vector<Record> records;
  for (int i = input.Next<uint8_t>() % 12; i >= 0; i--) {
    memory.push_back(input.Bytes(input.Next<uint8_t>() % 100));
    Record record = {memory.back().data(), static_cast<uint32_t>(memory.back().size()), 0};
    if (plan.Recognise(&record)) records.push_back(record);
  }
  if (records.empty()) return 0;
  // In two parts, as a ring comes.
  const size_t first = records.size() / 2;
  auto pool = std::make_shared<BlockPool>(Chunk::Bytes(plan, records.size()));
  Chunk chunk(plan, pool, records.size());
  chunk.Append(plan, records.data(), first);
  chunk.Append(plan, records.data() + first, records.size() - first);
  for (size_t c = 0; c < plan.columns.size(); c++) {
    if (plan.columns[c].decode != Decode::Tail) continue;
    const auto* ends = reinterpret_cast<const double*>(chunk.memory + chunk.offsets[c]);
    for (size_t i = 1; i < chunk.rows; i++)
      if (ends[i] < ends[i - 1]) __builtin_trap();
    if (ends[chunk.rows - 1] != static_cast<double>(chunk.heaps[c].size())) __builtin_trap();
  }
  return 0;
}
