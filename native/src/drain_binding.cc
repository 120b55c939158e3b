// The drain thread for JavaScript: rings in, chunks of columns out.
#include <stdexcept>
#include <system_error>

#include "drain.h"
#include "perf_buffer.h"
#include "plan.h"
#include "ring.h"

namespace bpflab {

namespace {

// drain_start(notify) -> drainer
Napi::Value Start(const Napi::CallbackInfo& info) {
  if (!info[0].IsFunction()) ThrowArgument(info.Env(), "argument 1 is not a function");
  return Wrap(info.Env(), std::make_shared<Drainer>(info.Env(), info[0].As<Napi::Function>()));
}

Napi::Value Stop(const Napi::CallbackInfo& info) {
  UnwrapAny<Drainer>(info, 0)->Close();
  return info.Env().Undefined();
}

// The map that an option names, or null.
std::shared_ptr<Map> MapOption(Napi::Env env, const Napi::Object& options, const char* name) {
  Napi::Value held = options.Get(name);
  if (held.IsUndefined()) return nullptr;
  auto external = held.As<Napi::External<std::shared_ptr<Map>>>();
  if (!held.IsExternal() || !external.CheckTypeTag(&Map::kTag))
    ThrowArgument(env, std::string(name) + " is not a BPF map handle");
  return *external.Data();
}

// drain_add(drainer, map, plan, { bufferBytes, loss?: map, lossOffset? or lossOffsets?, cpuBytes? }) -> stream
Napi::Value Add(const Napi::CallbackInfo& info) {
  auto env = info.Env();
  auto drainer = Unwrap<Drainer>(info, 0);
  auto map = Unwrap<Map>(info, 1);
  Plan plan = PlanArg(info, info[2].As<Napi::Object>());
  auto options = info[3].As<Napi::Object>();
  auto buffer_bytes = static_cast<size_t>(options.Get("bufferBytes").As<Napi::Number>().Int64Value());
  auto loss = MapOption(env, options, "loss");
  std::vector<size_t> loss_offsets;
  Napi::Value offsets = options.Get("lossOffsets");
  for (uint32_t i = 0; offsets.IsArray() && i < offsets.As<Napi::Array>().Length(); i++)
    loss_offsets.push_back(offsets.As<Napi::Array>().Get(i).ToNumber().Uint32Value());
  if (!offsets.IsArray()) loss_offsets.push_back(NumberField(options, "lossOffset"));
  for (size_t offset : loss_offsets)
    if (loss && offset + 8 > loss->memory_size()) ThrowArgument(env, "lossOffset is outside the map");
  std::shared_ptr<Stream> stream;
  try {
    if (map->type() == BPF_MAP_TYPE_RINGBUF)
      stream = std::make_shared<Ring>(map, std::move(plan), buffer_bytes, loss, std::move(loss_offsets));
    else if (map->type() == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
      stream = std::make_shared<PerfBuffer>(map, std::move(plan), buffer_bytes, NumberField(options, "cpuBytes"));
    else
      ThrowArgument(env, "argument 2 is not a ring buffer map");
  } catch (const std::system_error& error) {
    throw SystemError(env, error.code().value(), error.what());
  } catch (const std::runtime_error& error) {
    throw SystemError(env, errno, error.what());
  }
  drainer->Add(env, stream);
  return Wrap(env, stream);
}

// drain_subscribe(drainer, ring, how): 0 no more, 1 for batches, 2 to gather
Napi::Value Subscribe(const Napi::CallbackInfo& info) {
  auto drainer = Unwrap<Drainer>(info, 0);
  Unwrap<Stream>(info, 1)->Subscribe(static_cast<Subscription>(IntArg(info, 2, 0, 2)));
  drainer->SubscriptionsChanged(info.Env());
  return info.Env().Undefined();
}

Napi::Object TotalsObject(Napi::Env env, const Totals& totals) {
  auto result = Napi::Object::New(env);
  auto number = [&](const char* name, uint64_t value) {
    result.Set(name, Napi::Number::New(env, static_cast<double>(value)));
  };
  number("delivered", totals.delivered);
  number("waiting", totals.waiting);
  if (totals.is_lost_known) number("lost", totals.lost);
  if (!totals.lost_cpus.empty()) {
    auto cpus = Napi::Array::New(env, totals.lost_cpus.size());
    for (size_t i = 0; i < totals.lost_cpus.size(); i++)
      cpus.Set(static_cast<uint32_t>(i), Napi::Number::New(env, static_cast<double>(totals.lost_cpus[i])));
    result.Set("lostByCpu", cpus);
  }
  number("dropped", totals.dropped);
  number("unread", totals.unread);
  number("malformed", totals.malformed);
  number("malformedLength", totals.malformed_length);
  number("inexact", totals.inexact);
  return result;
}

// drain_remove(drainer, ring) -> totals: stops reading it and unmaps it; the last account, in which what waits is
// unread
Napi::Value Remove(const Napi::CallbackInfo& info) {
  auto drainer = UnwrapAny<Drainer>(info, 0);
  auto ring = UnwrapAny<Stream>(info, 1);
  drainer->Remove(ring.get());
  ring->Close();
  if (!drainer->IsClosed()) drainer->SubscriptionsChanged(info.Env());
  return TotalsObject(info.Env(), ring->totals());
}

// drain_totals(ring, now) -> { delivered, waiting, lost, dropped, unread, inexact }; with now it reads first what is
// committed
Napi::Value GetTotals(const Napi::CallbackInfo& info) {
  auto ring = Unwrap<Stream>(info, 0);
  if (info[1].ToBoolean()) ring->Drain();
  return TotalsObject(info.Env(), ring->totals());
}

// drain_take(ring) -> { chunks, labels, totals }: reads what is committed now, then hands over all that waits.
// labels: per column, the strings that got a code since the last take, in code order.
Napi::Value Take(const Napi::CallbackInfo& info) {
  auto env = info.Env();
  auto ring = Unwrap<Stream>(info, 0);
  ring->Drain();
  auto taken = ring->Take();
  auto result = Napi::Object::New(env);
  {
    // Labels come after the take, so that every code in these chunks has its string.
    std::lock_guard<std::mutex> lock(ring->mutex());
    result.Set("labels", TakeLabels(env, ring->plan()));
  }
  auto chunks = Napi::Array::New(env, taken.size());
  uint32_t index = 0;
  for (auto& chunk : taken) chunks.Set(index++, ChunkObject(env, ring->plan(), std::move(chunk)));
  result.Set("chunks", chunks);
  result.Set("totals", TotalsObject(env, ring->totals()));
  return result;
}

}  // namespace

void InitDrain(Napi::Env env, Napi::Object exports) {
  exports.Set("drain_start", Napi::Function::New(env, Start));
  exports.Set("drain_stop", Napi::Function::New(env, Stop));
  exports.Set("drain_add", Napi::Function::New(env, Add));
  exports.Set("drain_remove", Napi::Function::New(env, Remove));
  exports.Set("drain_subscribe", Napi::Function::New(env, Subscribe));
  exports.Set("drain_totals", Napi::Function::New(env, GetTotals));
  exports.Set("drain_take", Napi::Function::New(env, Take));
  exports.Set("ring_journal", Napi::Function::New(env, RingJournal));
}

}  // namespace bpflab
