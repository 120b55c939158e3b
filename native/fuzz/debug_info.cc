// Any bytes as an object file: what a program's debug information says of its records is read, or refused.
#include <stdexcept>

#include "../src/records.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const bpflab::Records records = bpflab::FindRecords(data, size, {"event"});
    for (const auto& site : records.sites)
      if (site.type_id >= static_cast<int64_t>(records.types.size())) __builtin_trap();
    for (const auto& type : records.types) {
      if (type.type >= records.types.size()) __builtin_trap();
      for (const auto& member : type.members)
        if (member.type >= records.types.size()) __builtin_trap();
    }
  } catch (const std::runtime_error&) {
  }
  return 0;
}
