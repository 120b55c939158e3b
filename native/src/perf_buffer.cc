#include "perf_buffer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace bpflab {

namespace {

// As perf_event_open(2) lays them out for PERF_SAMPLE_TIME | PERF_SAMPLE_RAW.
struct SampleHead {
  perf_event_header header;
  uint64_t time;
  uint32_t size;
};
struct LostRecord {
  perf_event_header header;
  uint64_t id, lost;
};

uint64_t Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000 + static_cast<uint64_t>(now.tv_nsec);
}

int OpenOutput(uint32_t cpu, size_t size, bool counts_lost) {
  perf_event_attr attr = {};
  attr.size = sizeof attr;
  attr.type = PERF_TYPE_SOFTWARE;
  attr.config = PERF_COUNT_SW_BPF_OUTPUT;
  attr.sample_type = PERF_SAMPLE_TIME | PERF_SAMPLE_RAW;
  attr.sample_period = 1;
  attr.use_clockid = 1;
  attr.clockid = CLOCK_MONOTONIC;
  attr.watermark = 1;  // the drain thread looks every 20 ms in any case
  attr.wakeup_watermark = static_cast<uint32_t>(size / 4);
  if (counts_lost) attr.read_format = PERF_FORMAT_LOST;
  return static_cast<int>(syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC));
}

}  // namespace

PerfBuffer::PerfBuffer(std::shared_ptr<Map> map, Plan plan, size_t buffer_bytes, size_t cpu_bytes)
    : Stream(std::move(plan), buffer_bytes),
      map_(std::move(map)),
      page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))),
      size_(cpu_bytes) {
  try {
    const auto cpus = std::min<size_t>(static_cast<size_t>(libbpf_num_possible_cpus()), map_->max_entries());
    for (uint32_t cpu = 0; cpu < cpus; cpu++) Open(cpu);
  } catch (...) {
    Release();
    throw;
  }
}

void PerfBuffer::Open(uint32_t cpu) {
  int fd = OpenOutput(cpu, size_, counts_lost_);
  if (fd < 0 && errno == EINVAL && counts_lost_) fd = OpenOutput(cpu, size_, counts_lost_ = false);
  if (fd < 0 && errno == ENODEV) return;  // the CPU is off line
  if (fd < 0) throw std::system_error(errno, std::generic_category(), "perf_event_open");
  void* memory = mmap(nullptr, page_ + size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) {
    const int error = errno;
    close(fd);
    throw std::system_error(error, std::generic_category(), "the perf buffer cannot be mapped");
  }
  cpus_.push_back({cpu, fd, static_cast<uint8_t*>(memory), 0, {}});
  if (ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
    throw std::system_error(errno, std::generic_category(), "the perf buffer cannot be enabled");
  if (int error = bpf_map_update_elem(map_->fd(), &cpu, &fd, BPF_ANY))
    throw std::system_error(-error, std::generic_category(), "the map does not take the perf buffer");
}

void PerfBuffer::Release() {
  for (auto& cpu : cpus_) {
    if (!map_->IsClosed()) bpf_map_delete_elem(map_->fd(), &cpu.number);
    munmap(cpu.memory, page_ + size_);
    close(cpu.fd);
  }
  cpus_.clear();
}

std::vector<int> PerfBuffer::fds() const {
  std::vector<int> all;
  for (const auto& cpu : cpus_) all.push_back(cpu.fd);
  return all;
}

void PerfBuffer::Read() {
  // What is written later than this waits for the next time, on every CPU: so each batch goes on where the last ended.
  const uint64_t until = Now();
  std::vector<Sample> samples;
  std::vector<uint64_t> read;
  for (auto& cpu : cpus_) read.push_back(ReadCpu(&cpu, until, &samples));
  std::stable_sort(samples.begin(), samples.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
  Record records[kBatch];
  for (size_t at = 0; at < samples.size(); at += kBatch) {
    const size_t n = std::min(kBatch, samples.size() - at);
    for (size_t i = 0; i < n; i++) records[i] = samples[at + i].record;
    Accept(records, n);
  }
  for (size_t i = 0; i < cpus_.size(); i++) {
    auto* page = reinterpret_cast<perf_event_mmap_page*>(cpus_[i].memory);
    __atomic_store_n(&page->data_tail, read[i], __ATOMIC_RELEASE);
    cpus_[i].wrapped.clear();
  }
}

uint64_t PerfBuffer::ReadCpu(Cpu* cpu, uint64_t until, std::vector<Sample>* to) {
  auto* page = reinterpret_cast<perf_event_mmap_page*>(cpu->memory);
  const uint8_t* data = cpu->memory + page_;
  const uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
  uint64_t tail = page->data_tail;
  while (tail < head) {
    const size_t at = tail & (size_ - 1);
    const uint8_t* whole = data + at;
    const auto* header = reinterpret_cast<const perf_event_header*>(whole);  // 8 bytes, which never wrap
    if (at + header->size > size_) {
      auto& copy = cpu->wrapped.emplace_back(header->size);
      memcpy(copy.data(), data + at, size_ - at);
      memcpy(copy.data() + size_ - at, data, header->size - (size_ - at));
      whole = copy.data();
      header = reinterpret_cast<const perf_event_header*>(whole);
    }
    if (header->type == PERF_RECORD_SAMPLE) {
      const auto* sample = reinterpret_cast<const SampleHead*>(whole);
      if (sample->time > until) break;
      to->push_back({sample->time, {whole + offsetof(SampleHead, size) + sizeof sample->size, sample->size, 0}});
    } else if (header->type == PERF_RECORD_LOST) {
      cpu->lost += reinterpret_cast<const LostRecord*>(whole)->lost;
    }
    tail += header->size;
  }
  return tail;
}

void PerfBuffer::CountLost(Totals* totals) {
  if (cpus_.empty()) return;
  totals->lost = 0;
  totals->lost_cpus.assign(cpus_.back().number + 1, 0);
  totals->is_lost_known = true;
  for (auto& cpu : cpus_) {
    // A record of losses is written only before the next that has room; the kernel's counter knows at once.
    uint64_t counted[2];  // the events, and what was lost
    if (counts_lost_ && read(cpu.fd, counted, sizeof counted) == sizeof counted) cpu.lost = counted[1];
    totals->lost += cpu.lost;
    totals->lost_cpus[cpu.number] = cpu.lost;
  }
}

}  // namespace bpflab
