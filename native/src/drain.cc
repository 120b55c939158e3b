#include "drain.h"

#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <system_error>

namespace bpflab {

namespace {

using Clock = std::chrono::steady_clock;

// The program wakes us when enough data waits; this is how long less than that may wait.
constexpr int kPollMs = 20;
// Nobody subscribed: only keep the ring from filling up.
constexpr int kIdleMs = 250;
// Hand over at most this often, so that a flood arrives as few large batches.
constexpr auto kHandOver = std::chrono::milliseconds(33);

// Calls the listener. Not through Napi::Function: what an interrupt or the end of a worker thread cuts short leaves no
// exception that could be wrapped, and node-addon-api would abort the process over it.
void Call(Napi::Env env, const Napi::Function& listener) {
  if (napi_call_function(env, env.Undefined(), listener, 0, nullptr, nullptr) == napi_ok) return;
  bool thrown = false;
  napi_value error;
  napi_valuetype type;
  if (napi_is_exception_pending(env, &thrown) != napi_ok || !thrown) return;
  if (napi_get_and_clear_last_exception(env, &error) != napi_ok || napi_typeof(env, error, &type) != napi_ok) return;
  if (type != napi_null) napi_fatal_exception(env, error);
}

}  // namespace

Drainer::Drainer(Napi::Env env, Napi::Function notify)
    : epoll_(epoll_create1(EPOLL_CLOEXEC)), control_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event event = {};
  event.events = EPOLLIN;
  if (epoll_.get() < 0 || control_.get() < 0 || epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, control_.get(), &event) < 0)
    throw SystemError(env, errno, "cannot set up the drain thread");
  notify_ = Napi::ThreadSafeFunction::New(env, notify, "bpflab drain", 0, 1);
  notify_.Unref(env);
  try {
    thread_ = std::thread([this] { Run(); });
    pthread_setname_np(thread_.native_handle(), "bpflab drain");
  } catch (const std::system_error& error) {
    notify_.Release();
    throw SystemError(env, error.code().value(), "cannot start the drain thread");
  }
}

void Drainer::Close() {
  if (closed_.exchange(true)) return;
  Wake();
  if (thread_.joinable()) thread_.join();
  if (!gone_) notify_.Release();
  std::lock_guard<std::mutex> lock(mutex_);
  rings_.clear();
  epoll_.Reset();
  control_.Reset();
}

void Drainer::Wake() {
  uint64_t one = 1;
  while (write(control_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void Drainer::Add(Napi::Env env, const std::shared_ptr<Stream>& ring) {
  std::lock_guard<std::mutex> lock(mutex_);
  epoll_event event = {};
  // Edge-triggered: level-triggered would return at once for as long as one record waits.
  event.events = EPOLLIN | EPOLLET;
  for (int fd : ring->fds())
    if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) < 0) throw SystemError(env, errno, "epoll");
  rings_.push_back(ring);
  Wake();
}

void Drainer::Remove(Stream* ring) {
  std::lock_guard<std::mutex> lock(mutex_);
  for (int fd : ring->fds())
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);  // fails, harmlessly, if the map is closed already
  rings_.erase(std::remove_if(rings_.begin(), rings_.end(), [ring](const auto& r) { return r.get() == ring; }),
               rings_.end());
}

void Drainer::SubscriptionsChanged(Napi::Env env) {
  std::lock_guard<std::mutex> lock(mutex_);
  bool any = std::any_of(rings_.begin(), rings_.end(), [](const auto& r) { return r->subscribed(); });
  if (any)
    notify_.Ref(env);
  else
    notify_.Unref(env);
  Wake();
}

void Drainer::Notify() {
  if (gone_ || notified_->exchange(true)) return;
  auto status = notify_.NonBlockingCall([notified = notified_](Napi::Env env, Napi::Function listener) {
    *notified = false;
    Call(env, listener);
  });
  if (status == napi_closing) gone_ = true;
}

void Drainer::Run() {
  auto handed_over = Clock::now();
  while (!closed_) {
    std::vector<std::shared_ptr<Stream>> rings;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      rings = rings_;
    }
    int timeout = rings.empty() ? -1 : kIdleMs;
    size_t waiting = 0;
    for (const auto& ring : rings) {
      size_t rows = ring->Drain();
      if (!ring->subscribed()) continue;
      waiting += rows;
      timeout = kPollMs;
    }
    rings.clear();
    if (waiting > 0 && Clock::now() - handed_over >= kHandOver) {
      handed_over = Clock::now();
      Notify();
    }
    epoll_event events[16];
    if (epoll_wait(epoll_.get(), events, 16, timeout) > 0) {
      uint64_t count;
      while (read(control_.get(), &count, sizeof count) > 0) {
      }
    }
  }
}

}  // namespace bpflab
