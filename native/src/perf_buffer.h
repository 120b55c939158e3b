// A perf event array: one ring a CPU, which the kernel fills for bpf_perf_event_output.
#pragma once

#include <memory>
#include <vector>

#include "map.h"
#include "stream.h"

namespace bpflab {

class PerfBuffer : public Stream {
 public:
  // Opens a ring of `cpu_bytes` (a power of two, at least a page) on each CPU and puts it into the map, where programs
  // find it. Throws std::system_error.
  PerfBuffer(std::shared_ptr<Map> map, Plan plan, size_t buffer_bytes, size_t cpu_bytes);
  ~PerfBuffer() override { Close(); }

  std::vector<int> fds() const override;

 protected:
  void Read() override;
  void CountLost(Totals* totals) override;
  void Release() override;

 private:
  struct Cpu {
    uint32_t number;
    int fd;
    uint8_t* memory;  // a page of positions, then the data
    uint64_t lost = 0;
    std::vector<std::vector<uint8_t>> wrapped;  // records that go on at the ring's beginning, put together
  };
  // A record, and when it was written.
  struct Sample {
    uint64_t time;
    Record record;
  };

  void Open(uint32_t cpu);
  // Appends what a CPU wrote until then; returns up to where it was read.
  uint64_t ReadCpu(Cpu* cpu, uint64_t until, std::vector<Sample>* to);

  std::shared_ptr<Map> map_;
  const size_t page_, size_;
  bool counts_lost_ = true;  // whether the kernel counts losses by itself (6.0 and later)
  std::vector<Cpu> cpus_;
};

}  // namespace bpflab
