// All entries of a map at one go.
#pragma once

#include <stdint.h>

#include <vector>

#include "map.h"

namespace bpflab {

// Entries side by side: row i is keys[i * key_size] and values[i * lookup_size].
struct Entries {
  size_t rows = 0;
  std::vector<uint8_t> keys, values;
};

// Reads all entries while programs and other processes may change the map. An entry that comes or goes meanwhile may
// be missed; none is read twice, and the walk ends. Returns 0, or a negative errno.
// A system call reads about `batch_bytes` of entries; 0 reads key by key, as kernels before 5.6 have to. Key by key,
// and in an LPM trie in any case, the kernel may also pass over entries that stay, where others change beside them.
int WalkMap(const Map& map, size_t batch_bytes, Entries* entries);

}  // namespace bpflab
