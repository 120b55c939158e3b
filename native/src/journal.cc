#include "journal.h"

#include <algorithm>

namespace bpflab {

namespace {

// Behind the consumer's position, on cache lines of its own.
constexpr size_t kOffset = 1024;

uint64_t Load(const uint64_t* word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }

}  // namespace

Journal::Journal(uint8_t* page) : page_(page), before_(Read().value_or(Counts{})) {
  number_ = std::max(Load(&entries()[0].number), Load(&entries()[1].number));
}

Journal::Entry* Journal::entries() const { return reinterpret_cast<Entry*>(page_ + kOffset); }

void Journal::Write(uint64_t position, const Counts& counts) {
  Entry& entry = entries()[++number_ % 2];
  __atomic_store_n(&entry.number, 0, __ATOMIC_SEQ_CST);
  entry.position = position;
  entry.counts = {counts.kept + before_.kept, counts.dropped + before_.dropped, counts.unread + before_.unread,
                  counts.malformed + before_.malformed};
  __atomic_store_n(&entry.number, number_, __ATOMIC_RELEASE);
}

std::optional<Counts> Journal::Read() const {
  const auto* at = reinterpret_cast<const uint64_t*>(page_);
  // Whoever reads may write meanwhile: then the entry, or the position, is another one when it has been read.
  for (int attempt = 0; attempt < 1000; attempt++) {
    const uint64_t position = Load(at);
    const Entry *found = nullptr, *all = entries();
    uint64_t newest = 0;
    for (const Entry* entry = all; entry < all + 2; entry++) {
      const uint64_t number = Load(&entry->number);
      if (number <= newest || entry->position != position) continue;
      newest = number;
      found = entry;
    }
    if (!found && position == 0) return Counts{};  // nobody has read yet
    if (!found) continue;
    const Counts counts = found->counts;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (Load(&found->number) == newest && Load(at) == position) return counts;
  }
  return std::nullopt;
}

}  // namespace bpflab
