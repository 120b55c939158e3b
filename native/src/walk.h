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
// `batch` false reads key by key, as kernels before 5.6 have to.
int WalkMap(const Map& map, bool batch, Entries* entries);

}  // namespace bpflab
