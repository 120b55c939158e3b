// What became of a ring's records, written where it outlives the process that reads them: into the ring itself.
#pragma once

#include <napi.h>

#include <cstdint>
#include <optional>

namespace bpflab {

// Of all records until a position of the ring.
struct Counts {
  uint64_t kept = 0;       // for who subscribes
  uint64_t dropped = 0;    // over the memory bound
  uint64_t unread = 0;     // while nobody subscribed
  uint64_t malformed = 0;  // of another length than their type has
};

// The kernel has a page for the consumer's position and looks at nothing else in it; a reader may write there, and it
// is freed with the map. Two entries take turns: whatever moment the reader is killed at, one of them is whole and is
// of the position that the ring has.
class Journal {
 public:
  Journal() = default;
  // The page, mapped. Goes on from what was written there before.
  explicit Journal(uint8_t* page);

  // To be called before the ring's position is set; the counts are those of this writer.
  void Write(uint64_t position, const Counts& counts);
  // Of the ring's position; nothing when another reader has moved it.
  std::optional<Counts> Read() const;

 private:
  struct Entry {
    uint64_t number;  // 0 while it is being written
    uint64_t position;
    Counts counts;
  };

  Entry* entries() const;

  uint8_t* page_ = nullptr;
  uint64_t number_ = 0;
  Counts before_;  // of those who wrote before
};

}  // namespace bpflab
