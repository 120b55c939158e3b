// The drain thread for JavaScript: rings in, chunks of columns out.
#include <map>
#include <stdexcept>

#include "drain.h"

namespace bpflab {

namespace {

const std::map<std::string, Decode>& Decodes() {
  static const std::map<std::string, Decode> names = {
      {"u8", Decode::U8},   {"i8", Decode::I8},   {"u16", Decode::U16}, {"i16", Decode::I16}, {"u32", Decode::U32},
      {"i32", Decode::I32}, {"f32", Decode::F32}, {"f64", Decode::F64}, {"u64", Decode::U64}, {"i64", Decode::I64},
      {"u64_exact", Decode::U64Exact},            {"i64_exact", Decode::I64Exact},            {"bits", Decode::Bits},
      {"text", Decode::Text},                     {"enum", Decode::Enum},
  };
  return names;
}

uint32_t Number(const Napi::Object& from, const char* name, uint32_t otherwise = 0) {
  Napi::Value value = from.Get(name);
  return value.IsNumber() ? value.As<Napi::Number>().Uint32Value() : otherwise;
}

// Bytes of the record that a column reads.
size_t SourceBytes(const Column& column) {
  switch (column.decode) {
    case Decode::Text:
    case Decode::Enum:
    case Decode::Bits:
      return size_t{column.width} * column.count;
    default:
      return ElementSize(column.decode) * column.count;
  }
}

Plan PlanArg(const Napi::CallbackInfo& info, const Napi::Object& from) {
  Plan plan;
  plan.record_size = Number(from, "recordSize");
  auto columns = from.Get("columns").As<Napi::Array>();
  for (uint32_t i = 0; i < columns.Length(); i++) {
    auto source = columns.Get(i).As<Napi::Object>();
    auto decode = Decodes().find(source.Get("decode").ToString());
    if (decode == Decodes().end()) ThrowArgument(info.Env(), "unknown decode " + source.Get("decode").ToString().Utf8Value());
    Column column;
    column.decode = decode->second;
    column.offset = Number(source, "offset");
    column.width = Number(source, "width");
    column.count = Number(source, "count", 1);
    column.bit_offset = Number(source, "bitOffset");
    column.bit_size = Number(source, "bitSize");
    column.is_signed = source.Get("signed").ToBoolean();
    if (column.count == 0 || column.offset + SourceBytes(column) > plan.record_size)
      ThrowArgument(info.Env(), "column " + std::to_string(i) + " reaches past the end of the record");
    if (column.decode == Decode::Bits &&
        (column.width > 8 || column.bit_size == 0 || uint64_t{column.bit_offset} + column.bit_size > 8 * column.width || column.count != 1))
      ThrowArgument(info.Env(), "column " + std::to_string(i) + " is not a bit field");
    if (column.decode == Decode::Enum && column.width != 1 && column.width != 2 && column.width != 4 && column.width != 8)
      ThrowArgument(info.Env(), "column " + std::to_string(i) + " is not an enum of 1, 2, 4 or 8 bytes");
    if (column.decode == Decode::Text || column.decode == Decode::Enum) column.dictionary = std::make_unique<Dictionary>();
    Napi::Value labels = source.Get("labels");
    if (column.decode == Decode::Enum && labels.IsArray()) {
      auto list = labels.As<Napi::Array>();
      for (uint32_t j = 0; j < list.Length(); j++) {
        auto label = list.Get(j).As<Napi::Object>();
        column.dictionary->AddLabel(label.Get("value").As<Napi::Number>().Int64Value(), label.Get("name").ToString());
      }
    }
    plan.columns.push_back(std::move(column));
  }
  if (plan.record_size == 0 || plan.columns.empty()) ThrowArgument(info.Env(), "a plan needs a record size and columns");
  return plan;
}

// drain_start(notify) -> drainer
Napi::Value Start(const Napi::CallbackInfo& info) {
  if (!info[0].IsFunction()) ThrowArgument(info.Env(), "argument 1 is not a function");
  return Wrap(info.Env(), std::make_shared<Drainer>(info.Env(), info[0].As<Napi::Function>()));
}

Napi::Value Stop(const Napi::CallbackInfo& info) {
  UnwrapAny<Drainer>(info, 0)->Close();
  return info.Env().Undefined();
}

// drain_add(drainer, map, plan, { bufferBytes, loss?: map, lossOffset? }) -> ring
Napi::Value Add(const Napi::CallbackInfo& info) {
  auto drainer = Unwrap<Drainer>(info, 0);
  auto map = Unwrap<Map>(info, 1);
  if (map->type() != BPF_MAP_TYPE_RINGBUF) ThrowArgument(info.Env(), "argument 2 is not a ring buffer map");
  Plan plan = PlanArg(info, info[2].As<Napi::Object>());
  auto options = info[3].As<Napi::Object>();
  size_t buffer_bytes = static_cast<size_t>(options.Get("bufferBytes").As<Napi::Number>().Int64Value());
  std::shared_ptr<Map> loss;
  size_t loss_offset = Number(options, "lossOffset");
  Napi::Value held = options.Get("loss");
  if (!held.IsUndefined()) {
    auto external = held.As<Napi::External<std::shared_ptr<Map>>>();
    if (!held.IsExternal() || !external.CheckTypeTag(&Map::kTag)) ThrowArgument(info.Env(), "loss is not a BPF map handle");
    loss = *external.Data();
    if (loss_offset + 8 > loss->memory_size()) ThrowArgument(info.Env(), "lossOffset is outside the map");
  }
  std::shared_ptr<Ring> ring;
  try {
    ring = std::make_shared<Ring>(map, std::move(plan), buffer_bytes, loss, loss_offset);
  } catch (const std::runtime_error& error) {
    throw SystemError(info.Env(), errno, error.what());
  }
  drainer->Add(info.Env(), ring);
  return Wrap(info.Env(), ring);
}

// drain_remove(drainer, ring): stops reading it and unmaps it
Napi::Value Remove(const Napi::CallbackInfo& info) {
  auto drainer = UnwrapAny<Drainer>(info, 0);
  auto ring = UnwrapAny<Ring>(info, 1);
  drainer->Remove(ring.get());
  ring->Close();
  if (!drainer->IsClosed()) drainer->SubscriptionsChanged(info.Env());
  return info.Env().Undefined();
}

// drain_subscribe(drainer, ring, on)
Napi::Value Subscribe(const Napi::CallbackInfo& info) {
  auto drainer = Unwrap<Drainer>(info, 0);
  Unwrap<Ring>(info, 1)->Subscribe(info[2].ToBoolean());
  drainer->SubscriptionsChanged(info.Env());
  return info.Env().Undefined();
}

Napi::Object TotalsObject(Napi::Env env, const Totals& totals) {
  auto result = Napi::Object::New(env);
  auto number = [&](const char* name, uint64_t value) { result.Set(name, Napi::Number::New(env, static_cast<double>(value))); };
  number("delivered", totals.delivered);
  number("lost", totals.lost);
  number("dropped", totals.dropped);
  number("unread", totals.unread);
  number("inexact", totals.inexact);
  return result;
}

// drain_totals(ring) -> { delivered, lost, dropped, unread, inexact }
Napi::Value GetTotals(const Napi::CallbackInfo& info) { return TotalsObject(info.Env(), Unwrap<Ring>(info, 0)->totals()); }

// The chunk's columns as { rows, buffer, offsets }: the block itself when it is well filled, a copy of the rows when
// it is mostly room.
Napi::Object ChunkObject(Napi::Env env, const Plan& plan, std::unique_ptr<Chunk> chunk) {
  auto result = Napi::Object::New(env);
  auto offsets = Napi::Array::New(env, plan.columns.size());
  result.Set("rows", Napi::Number::New(env, static_cast<double>(chunk->rows)));
  result.Set("offsets", offsets);
  if (chunk->rows * 2 >= chunk->capacity) {
    for (size_t c = 0; c < plan.columns.size(); c++)
      offsets.Set(static_cast<uint32_t>(c), Napi::Number::New(env, static_cast<double>(chunk->offsets[c])));
    auto* memory = chunk->memory;
    auto* held = chunk.release();  // goes back to its pool with the last array over it
    result.Set("buffer", Napi::ArrayBuffer::New(env, memory, held->pool->bytes(),
                                                [](Napi::Env, void*, Chunk* filled) { delete filled; }, held));
    return result;
  }
  auto buffer = Napi::ArrayBuffer::New(env, Chunk::Bytes(plan, chunk->rows));
  auto* to = static_cast<uint8_t*>(buffer.Data());
  size_t at = 0;
  for (size_t c = 0; c < plan.columns.size(); c++) {
    size_t bytes = ElementSize(plan.columns[c].decode) * plan.columns[c].count * chunk->rows;
    memcpy(to + at, chunk->memory + chunk->offsets[c], bytes);
    offsets.Set(static_cast<uint32_t>(c), Napi::Number::New(env, static_cast<double>(at)));
    at += (bytes + 63) / 64 * 64;
  }
  result.Set("buffer", buffer);
  return result;
}

// drain_take(ring) -> { chunks, labels, totals }: reads what is committed now, then hands over all that waits.
// labels: per column, the strings that got a code since the last take, in code order.
Napi::Value Take(const Napi::CallbackInfo& info) {
  auto env = info.Env();
  auto ring = Unwrap<Ring>(info, 0);
  ring->Drain();
  auto taken = ring->Take();
  auto result = Napi::Object::New(env);
  auto labels = Napi::Array::New(env, ring->plan().columns.size());
  {
    // Labels come after the take, so that every code in these chunks has its string.
    std::lock_guard<std::mutex> lock(ring->mutex());
    for (size_t c = 0; c < ring->plan().columns.size(); c++) {
      auto& dictionary = ring->plan().columns[c].dictionary;
      if (!dictionary) continue;
      auto added = dictionary->TakeAdded();
      auto list = Napi::Array::New(env, added.size());
      for (size_t i = 0; i < added.size(); i++) list.Set(static_cast<uint32_t>(i), Napi::String::New(env, added[i]));
      labels.Set(static_cast<uint32_t>(c), list);
    }
  }
  auto chunks = Napi::Array::New(env, taken.size());
  uint32_t index = 0;
  for (auto& chunk : taken) chunks.Set(index++, ChunkObject(env, ring->plan(), std::move(chunk)));
  result.Set("chunks", chunks);
  result.Set("labels", labels);
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
}

}  // namespace bpflab
