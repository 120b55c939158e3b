#include "plan_check.h"

#include <algorithm>

namespace bpflab {

namespace {

bool IsWord(uint32_t bytes) { return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8; }

bool IsBits(const Column& column) {
  return column.decode == Decode::Bits || (column.decode == Decode::Enum && column.bit_size > 0);
}

// Bytes of the record that a column reads. They fit 64 bits, and may not fit 63.
uint64_t SourceBytes(const Column& column) {
  switch (column.decode) {
    case Decode::Text:
    case Decode::Enum:
    case Decode::Bits:
      return uint64_t{column.width} * column.count;
    case Decode::Tail:
    case Decode::Variant:
      return 0;
    default:
      return uint64_t{ElementSize(column.decode)} * column.count;
  }
}

// Whether every record that has the column is long enough for it.
bool Reaches(const Column& column, const Plan& plan) {
  const uint64_t bytes = SourceBytes(column);
  auto fits = [bytes](uint64_t length, uint64_t offset) { return offset <= length && bytes <= length - offset; };
  if (column.offsets.empty())
    return fits(plan.record_size, column.offset) &&
           std::all_of(plan.variants.begin(), plan.variants.end(),
                       [&](const Variant& variant) { return fits(variant.least, column.offset); });
  if (column.offsets.size() != plan.variants.size()) return false;
  for (size_t i = 0; i < column.offsets.size(); i++)
    if (column.offsets[i] >= 0 && !fits(plan.variants[i].least, static_cast<uint64_t>(column.offsets[i]))) return false;
  return true;
}

const char* ColumnFault(const Column& column, const Plan& plan) {
  if (column.count == 0 || !Reaches(column, plan)) return "reaches past the end of the record";
  if (column.decode == Decode::Tail && column.width == 0) return "has elements of no size";
  if (column.decode == Decode::Text && column.width == 0) return "has text of no size";
  // What reads nothing of the record would not be bounded by it.
  if ((column.decode == Decode::Tail || column.decode == Decode::Variant) && column.count != 1)
    return "has one element a row";
  if (IsBits(column)) {
    if (column.width > 8 || column.bit_size == 0 || column.bit_size > 63 ||
        uint64_t{column.bit_offset} + column.bit_size > 8 * column.width || column.count != 1)
      return "is not a bit field";
  } else if (column.decode == Decode::Enum && !IsWord(column.width)) {
    return "is not an enum of 1, 2, 4 or 8 bytes";
  }
  return "";
}

}  // namespace

std::string PlanFault(const Plan& plan) {
  const bool has_size =
      std::any_of(plan.variants.begin(), plan.variants.end(), [](const Variant& variant) { return variant.most > 0; });
  if (!has_size || plan.columns.empty()) return "a plan needs a record size and columns";
  if (plan.tag_width && !IsWord(plan.tag_width)) return "a tag has 1, 2, 4 or 8 bytes";
  for (size_t i = 0; i < plan.columns.size(); i++) {
    const std::string fault = ColumnFault(plan.columns[i], plan);
    if (!fault.empty()) return "column " + std::to_string(i) + " " + fault;
  }
  return "";
}

}  // namespace bpflab
