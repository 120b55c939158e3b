// What a program puts into its rings: found in its instructions and in what the compiler wrote for debuggers.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <memory>
#include <string>
#include <vector>

namespace bpflab {

// A call that hands a record to a map: bpf_ringbuf_reserve, bpf_ringbuf_output, bpf_perf_event_output and their kin.
struct RecordSite {
  std::string map;  // empty where the map is not fixed: one of a map of maps, say
  int64_t size;     // of the record, where it is a constant; else -1
  int64_t type_id;  // of the record's type in Records::types; -1 where nothing tells
};

// A type as BTF would describe it. `kind` is BTF's name; `type` is the id of the type that it leads to.
struct RecordType {
  struct Member {
    std::string name;
    uint32_t type, bit_offset, bit_size;
  };
  struct Label {
    std::string name;
    int64_t value;
  };
  const char* kind = "void";
  std::string name;
  uint64_t size = 0, length = 0;
  uint32_t type = 0;
  bool is_signed = false, is_bool = false;
  std::vector<Member> members;
  std::vector<Label> labels;
};

struct Records {
  std::vector<RecordType> types;  // the first is void
  std::vector<RecordSite> sites;
};

// Reads an object file; one without debug information has sites without types. `names`: types to bring along. Throws
// std::runtime_error for bytes that are no ELF file.
Records FindRecords(const uint8_t* elf, size_t length, const std::vector<std::string>& names);

}  // namespace bpflab
