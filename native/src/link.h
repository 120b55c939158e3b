// A link: what keeps a program attached. The kernel detaches when the last descriptor closes.
#pragma once

#include <bpf/libbpf.h>

#include <functional>

#include "handle.h"

namespace bpflab {

constexpr uint32_t kStructOpsLink = 1 << 13;  // BPF_F_LINK, newer than Debian 12's headers

class Link : public Closable {
 public:
  BPFLAB_HANDLE("BPF link", 0x6270666c61620003, 0x6c696e6b00000003);

  explicit Link(bpf_link* link) : link_(link) {}
  explicit Link(int fd) : fd_(fd) {}
  // Where the kernel has no link: a descriptor of what the program is attached to, and how it comes off.
  Link(int target, std::function<void(int target)> undo) : fd_(target), undo_(std::move(undo)) {}
  ~Link() override { Close(); }

  void Close() override {
    if (link_) bpf_link__destroy(link_);
    link_ = nullptr;
    if (fd_.get() >= 0 && undo_) undo_(fd_.get());
    fd_.Reset();
  }
  bool IsClosed() const override { return !link_ && fd_.get() < 0; }
  int fd() const { return link_ ? bpf_link__fd(link_) : fd_.get(); }

 private:
  bpf_link* link_ = nullptr;
  Fd fd_;
  std::function<void(int)> undo_;
};

// The link that libbpf made, or an exception with its words.
Napi::Value WrapLink(const Napi::CallbackInfo& info, bpf_link* link, const LibbpfLog& log);

}  // namespace bpflab
