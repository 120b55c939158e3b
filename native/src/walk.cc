#include "walk.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include <algorithm>
#include <string>
#include <unordered_map>

namespace bpflab {

namespace {

constexpr uint32_t kMostBatch = 1 << 24;

class Walk {
 public:
  Walk(const Map& map, Entries* entries)
      : map_(map), entries_(entries), key_(map.key_size()), value_(map.lookup_size()) {}

  // A hash hands out whole buckets under their locks: each entry once and unbroken, whatever others do.
  // An array cannot lose keys. Returns false when this map cannot be read so, or only in part.
  bool Batches(size_t batch_bytes, int* error) {
    // The token is a key for arrays and tries, a 32-bit bucket number for hashes.
    std::vector<uint8_t> token(std::max<size_t>(key_, 4)), next(token.size());
    auto room = static_cast<uint32_t>(
        std::clamp<size_t>(batch_bytes / (key_ + value_ + 1), 1, std::max<size_t>(map_.max_entries(), 1)));
    for (bool first = true;;) {
      MakeRoom(room);
      uint32_t count = room;
      *error = bpf_map_lookup_batch(map_.fd(), first ? nullptr : token.data(), next.data(), Key(entries_->rows),
                                    Value(entries_->rows), &count, nullptr);
      if (*error == -ENOSPC && room < kMostBatch) {
        room *= 2;  // one bucket alone holds more
        continue;
      }
      if (first && (*error == -EINVAL || *error == -EOPNOTSUPP || *error == -kNotSupported)) return false;
      if (*error && *error != -ENOENT && *error != -EINTR) return true;
      entries_->rows += count;
      // A trie is read key by key inside the kernel, which may lose its place there.
      if (map_.type() == BPF_MAP_TYPE_LPM_TRIE && (Repeats(entries_->rows - count) || *error == -EINTR)) return false;
      if (*error == -ENOENT) {
        *error = 0;
        return true;
      }
      if (*error) return true;
      token.swap(next);
      first = false;
    }
  }

  // Key by key, from wherever the walk is. The kernel answers a key that is gone with the first key of the map, so
  // the walk goes back to the last key it knows that is still there. Bounded even if all keys keep vanishing.
  int Keys() {
    std::vector<uint8_t> next(key_);
    long at = static_cast<long>(entries_->rows) - 1;
    for (size_t steps = 16 * map_.max_entries() + 4096; steps > 0; steps--) {
      MakeRoom(1);  // for the next row, which is also where values go that only tell whether a key is there
      int error = bpf_map_get_next_key(map_.fd(), at < 0 ? nullptr : Key(static_cast<size_t>(at)), next.data());
      if (error == -ENOENT) return 0;
      if (error) return error;
      auto known = seen_.find(Text(next.data()));
      if (known == seen_.end()) {
        error = bpf_map_lookup_elem(map_.fd(), next.data(), Value(entries_->rows));
        if (error == -ENOENT) continue;  // gone already: ask again
        if (error) return error;
        memcpy(Key(entries_->rows), next.data(), key_);
        seen_.emplace(Text(next.data()), entries_->rows);
        at = static_cast<long>(entries_->rows++);
      } else if (at < 0 || bpf_map_lookup_elem(map_.fd(), Key(static_cast<size_t>(at)), Value(entries_->rows)) == 0) {
        at = static_cast<long>(known->second);  // a key that stands behind the one we are at
      } else {
        at--;  // the one we were at has vanished
      }
    }
    return 0;
  }

  void Trim() {
    entries_->keys.resize(entries_->rows * key_);
    entries_->values.resize(entries_->rows * value_);
  }

 private:
  uint8_t* Key(size_t row) { return entries_->keys.data() + row * key_; }
  uint8_t* Value(size_t row) { return entries_->values.data() + row * value_; }
  std::string Text(const uint8_t* key) const { return {reinterpret_cast<const char*>(key), key_}; }

  void MakeRoom(size_t more) {
    const size_t rows = entries_->rows + more;
    if (rows * key_ > entries_->keys.size() || rows * value_ > entries_->values.size()) {
      const size_t room = std::max(rows, entries_->rows * 2);
      entries_->keys.resize(room * key_);
      entries_->values.resize(room * value_);
    }
  }

  // Takes rows out that were read before; true if there were any: the kernel began anew for a key that was gone.
  bool Repeats(size_t from) {
    size_t to = from;
    for (size_t row = from; row < entries_->rows; row++) {
      if (!seen_.emplace(Text(Key(row)), to).second) continue;
      if (to != row) {
        memcpy(Key(to), Key(row), key_);
        memcpy(Value(to), Value(row), value_);
      }
      to++;
    }
    const bool any = to < entries_->rows;
    entries_->rows = to;
    return any;
  }

  const Map& map_;
  Entries* entries_;
  const size_t key_, value_;
  std::unordered_map<std::string, size_t> seen_;  // keys to their rows
};

}  // namespace

int WalkMap(const Map& map, size_t batch_bytes, Entries* entries) {
  Walk walk(map, entries);
  int error = 0;
  if (!batch_bytes || !walk.Batches(batch_bytes, &error)) error = walk.Keys();
  walk.Trim();
  return error;
}

}  // namespace bpflab
