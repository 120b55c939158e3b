// A loaded map, by a descriptor of its own: it stays usable after its object is closed.
#pragma once

#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "handle.h"

namespace bpflab {

class Map : public Closable {
 public:
  BPFLAB_HANDLE("BPF map", 0x6270666c61620002, 0x6d61700000000002);

  Map(int fd, const bpf_map* map);
  // One that somebody else has loaded; a descriptor for reading gets no write through to it.
  Map(int fd, const bpf_map_info& map, bool readonly);
  ~Map() override { Close(); }

  void Close() override;
  bool IsClosed() const override { return fd_.get() < 0; }

  int fd() const { return fd_.get(); }
  bpf_map_type type() const { return type_; }
  size_t key_size() const { return key_size_; }
  // Bytes a lookup returns: of one CPU's value, times the possible CPUs for a per-CPU map.
  size_t lookup_size() const { return lookup_size_; }
  size_t max_entries() const { return max_entries_; }

  // The value of a global-data map as mapped memory, or nullptr with errno set.
  uint8_t* Memory();
  // Fixed at load: its memory can be read only.
  bool readonly() const { return readonly_; }
  size_t memory_size() const { return value_size_; }

 private:
  Fd fd_;
  bpf_map_type type_;
  size_t key_size_, value_size_, lookup_size_, max_entries_;
  bool readonly_;
  uint8_t* memory_ = nullptr;
  size_t mapped_ = 0;

  void SetLookupSize();
};

}  // namespace bpflab
