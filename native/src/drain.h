// The drain thread: one for all rings of the process.
//
//   ring A ─┐                                   ┌─ JavaScript: take(A), take(B) …
//   ring B ─┼─ epoll ─▶ thread: Drain() ─▶ notify (coalesced) ─▶ event loop
//   ring C ─┘
//
// JavaScript may be busy for seconds: the thread goes on reading, so the rings do not fill up.
#pragma once

#include <napi.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "stream.h"

namespace bpflab {

class Drainer : public Closable {
 public:
  BPFLAB_HANDLE("drain thread", 0x6270666c61620006, 0x647261696e000006);

  // Calls `notify` on the event loop when a subscribed ring has rows.
  Drainer(Napi::Env env, Napi::Function notify);
  ~Drainer() override { Close(); }

  void Close() override;
  bool IsClosed() const override { return closed_; }

  void Add(Napi::Env env, const std::shared_ptr<Stream>& ring);
  void Remove(Stream* ring);
  // To be called after a ring's subscription changed: holds the event loop while somebody waits for events.
  void SubscriptionsChanged(Napi::Env env);

 private:
  void Run();
  void Wake();
  void Notify();

  Napi::ThreadSafeFunction notify_;
  // Shared with the calls that wait on the event loop: these may outlive the drainer.
  std::shared_ptr<std::atomic<bool>> notified_ = std::make_shared<std::atomic<bool>>(false);
  std::atomic<bool> closed_{false};
  bool gone_ = false;  // the event loop has ended; only the thread looks
  Fd epoll_, control_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Stream>> rings_;
  std::thread thread_;
};

}  // namespace bpflab
