// A link: what keeps a program attached. The kernel detaches when the last descriptor closes.
#pragma once

#include <bpf/libbpf.h>

#include "handle.h"

namespace bpflab {

class Link : public Closable {
 public:
  BPFLAB_HANDLE("BPF link", 0x6270666c61620003, 0x6c696e6b00000003);

  explicit Link(bpf_link* link) : link_(link) {}
  explicit Link(int fd) : fd_(fd) {}
  ~Link() override { Close(); }

  void Close() override {
    if (link_) bpf_link__destroy(link_);
    link_ = nullptr;
    fd_.Reset();
  }
  bool IsClosed() const override { return !link_ && fd_.get() < 0; }
  int fd() const { return link_ ? bpf_link__fd(link_) : fd_.get(); }

 private:
  bpf_link* link_ = nullptr;
  Fd fd_;
};

}  // namespace bpflab
