// A ring buffer map: its mapped memory and its consumer position.
#pragma once

#include <memory>

#include "journal.h"
#include "map.h"
#include "stream.h"

namespace bpflab {

class Ring : public Stream {
 public:
  // Throws std::runtime_error if the map cannot be mapped. `loss` may be null: then losses cannot be counted.
  Ring(std::shared_ptr<Map> map, Plan plan, size_t buffer_bytes, std::shared_ptr<Map> loss,
       std::vector<size_t> loss_offsets);
  ~Ring() override { Close(); }

  std::vector<int> fds() const override { return {map_->fd()}; }

 protected:
  void Read() override;
  void Note() override;
  void CountLost(Totals* totals) override;
  void Release() override;

 private:
  std::shared_ptr<Map> map_, loss_map_;
  const std::vector<size_t> loss_offsets_;  // of the counters, which add up
  const size_t page_, size_;
  uint8_t* consumer_ = nullptr;  // one page: our position
  uint8_t* producer_ = nullptr;  // one page: the kernel's position, then the data twice over
  Journal journal_;
};

// ring_journal(map) -> { kept, dropped, unread, malformed, waiting }: what became of all records of a ring, whoever
// reads or has read it; undefined when that reader writes no journal
Napi::Value RingJournal(const Napi::CallbackInfo& info);

}  // namespace bpflab
