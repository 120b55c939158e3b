#include "plan.h"

#include <map>
#include <string>
#include <utility>

#include "plan_check.h"

namespace bpflab {

namespace {

const std::map<std::string, Decode>& Decodes() {
  static const std::map<std::string, Decode> names = {
      {"u8", Decode::U8},
      {"i8", Decode::I8},
      {"u16", Decode::U16},
      {"u16_be", Decode::U16Be},
      {"i16", Decode::I16},
      {"u32", Decode::U32},
      {"u32_be", Decode::U32Be},
      {"i32", Decode::I32},
      {"f32", Decode::F32},
      {"f64", Decode::F64},
      {"u64", Decode::U64},
      {"u64_be", Decode::U64Be},
      {"i64", Decode::I64},
      {"u64_exact", Decode::U64Exact},
      {"u64_be_exact", Decode::U64BeExact},
      {"i64_exact", Decode::I64Exact},
      {"bits", Decode::Bits},
      {"text", Decode::Text},
      {"enum", Decode::Enum},
      {"tail", Decode::Tail},
      {"variant", Decode::Variant},
  };
  return names;
}

// A number, or a BigInt beyond 2^53, where the bits are what counts.
int64_t Int64(Napi::Value value) {
  if (!value.IsBigInt()) return value.As<Napi::Number>().Int64Value();
  bool lossless;
  return static_cast<int64_t>(value.As<Napi::BigInt>().Uint64Value(&lossless));
}

// By variant; empty where the column stands at one place in all.
std::vector<int64_t> OffsetsOf(const Napi::Object& column) {
  std::vector<int64_t> offsets;
  Napi::Value given = column.Get("offsets");
  if (!given.IsArray()) return offsets;
  auto list = given.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) offsets.push_back(list.Get(i).As<Napi::Number>().Int64Value());
  return offsets;
}

// The types of records, with how long each may be: exactly as long as the plan says, where nothing else is given.
void ReadVariants(const Napi::Object& from, Plan* plan) {
  Napi::Value given = from.Get("variants");
  if (!given.IsArray()) {
    plan->variants = {{0, plan->record_size, plan->record_size}};
    return;
  }
  auto list = given.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    auto one = list.Get(i).As<Napi::Object>();
    Napi::Value tag = one.Get("tag");
    plan->variants.push_back(
        {tag.IsUndefined() ? 0 : Int64(tag), NumberField(one, "least"), NumberField(one, "most", UINT32_MAX)});
  }
  plan->tag_offset = NumberField(from, "tagOffset");
  plan->tag_width = NumberField(from, "tagWidth");
}

}  // namespace

uint32_t NumberField(const Napi::Object& from, const char* name, uint32_t otherwise) {
  Napi::Value value = from.Get(name);
  return value.IsNumber() ? value.As<Napi::Number>().Uint32Value() : otherwise;
}

Plan PlanArg(const Napi::CallbackInfo& info, const Napi::Object& from) {
  Plan plan;
  plan.record_size = NumberField(from, "recordSize");
  ReadVariants(from, &plan);
  auto columns = from.Get("columns").As<Napi::Array>();
  for (uint32_t i = 0; i < columns.Length(); i++) {
    auto source = columns.Get(i).As<Napi::Object>();
    auto decode = Decodes().find(source.Get("decode").ToString());
    if (decode == Decodes().end())
      ThrowArgument(info.Env(), "unknown decode " + source.Get("decode").ToString().Utf8Value());
    Column column;
    column.decode = decode->second;
    column.offset = NumberField(source, "offset");
    column.width = NumberField(source, "width");
    column.count = NumberField(source, "count", 1);
    column.bit_offset = NumberField(source, "bitOffset");
    column.bit_size = NumberField(source, "bitSize");
    column.is_signed = source.Get("signed").ToBoolean();
    column.most = NumberField(source, "most");
    column.offsets = OffsetsOf(source);
    if (column.decode == Decode::Text || column.decode == Decode::Enum)
      column.dictionary = std::make_unique<Dictionary>();
    Napi::Value labels = source.Get("labels");
    if (column.decode == Decode::Enum && labels.IsArray()) {
      auto list = labels.As<Napi::Array>();
      for (uint32_t j = 0; j < list.Length(); j++) {
        auto label = list.Get(j).As<Napi::Object>();
        column.dictionary->AddLabel(Int64(label.Get("value")), label.Get("name").ToString());
      }
    }
    plan.columns.push_back(std::move(column));
  }
  std::string fault = PlanFault(plan);
  if (!fault.empty()) ThrowArgument(info.Env(), fault);
  return plan;
}

Napi::Array TakeLabels(Napi::Env env, const Plan& plan) {
  auto labels = Napi::Array::New(env, plan.columns.size());
  for (size_t c = 0; c < plan.columns.size(); c++) {
    const auto& dictionary = plan.columns[c].dictionary;
    if (!dictionary) continue;
    auto added = dictionary->TakeAdded();
    auto list = Napi::Array::New(env, added.size());
    for (size_t i = 0; i < added.size(); i++) list.Set(static_cast<uint32_t>(i), Napi::String::New(env, added[i]));
    labels.Set(static_cast<uint32_t>(c), list);
  }
  return labels;
}

namespace {

size_t ColumnBytes(const Column& column, size_t rows) { return ElementSize(column.decode) * column.count * rows; }

// JavaScript gets the memory itself when most of it is rows, else a copy of the rows.
bool IsWellFilled(const Plan& plan, const Chunk& chunk) {
  return chunk.pool ? chunk.rows * 2 >= chunk.capacity : plan.row_bytes() * chunk.rows >= kChunkBytes;
}

// The bytes of a Tail column, without a copy; they go with the chunk.
Napi::ArrayBuffer HeapBuffer(Napi::Env env, const std::shared_ptr<Chunk>& chunk, size_t column) {
  auto& heap = chunk->heaps[column];
  if (heap.empty()) return Napi::ArrayBuffer::New(env, 0);
  return Napi::ArrayBuffer::New(
      env, heap.data(), heap.size(), [](Napi::Env, void*, std::shared_ptr<Chunk>* held) { delete held; },
      new std::shared_ptr<Chunk>(chunk));
}

}  // namespace

Napi::Object ChunkObject(Napi::Env env, const Plan& plan, std::unique_ptr<Chunk> filled) {
  std::shared_ptr<Chunk> chunk = std::move(filled);
  const size_t columns = plan.columns.size();
  auto result = Napi::Object::New(env);
  auto offsets = Napi::Array::New(env, columns), buffers = Napi::Array::New(env, columns);
  auto heaps = Napi::Array::New(env, columns);
  for (size_t c = 0; c < chunk->heaps.size(); c++)
    if (plan.columns[c].decode == Decode::Tail) heaps.Set(static_cast<uint32_t>(c), HeapBuffer(env, chunk, c));
  result.Set("heaps", heaps);
  result.Set("rows", Napi::Number::New(env, static_cast<double>(chunk->rows)));
  result.Set("offsets", offsets);
  result.Set("buffers", buffers);
  auto put = [&](size_t c, Napi::ArrayBuffer buffer, size_t offset) {
    buffers.Set(static_cast<uint32_t>(c), buffer);
    offsets.Set(static_cast<uint32_t>(c), Napi::Number::New(env, static_cast<double>(offset)));
  };
  // The chunk goes with the last array over it.
  auto over = [&](uint8_t* memory, size_t bytes) {
    return Napi::ArrayBuffer::New(
        env, memory, bytes, [](Napi::Env, void*, std::shared_ptr<Chunk>* held) { delete held; },
        new std::shared_ptr<Chunk>(chunk));
  };
  if (!IsWellFilled(plan, *chunk)) {
    auto buffer = Napi::ArrayBuffer::New(env, Chunk::Bytes(plan, chunk->rows));
    auto* to = static_cast<uint8_t*>(buffer.Data());
    size_t at = 0;
    for (size_t c = 0; c < columns; c++) {
      const size_t bytes = ColumnBytes(plan.columns[c], chunk->rows);
      memcpy(to + at, chunk->memory + chunk->offsets[c], bytes);
      put(c, buffer, at);
      at += (bytes + 63) / 64 * 64;
    }
  } else if (chunk->pool) {
    auto buffer = over(chunk->memory, chunk->pool->bytes());
    for (size_t c = 0; c < columns; c++) put(c, buffer, chunk->offsets[c]);
  } else {
    for (size_t c = 0; c < columns; c++)
      put(c, over(chunk->memory + chunk->offsets[c], ColumnBytes(plan.columns[c], chunk->rows)), 0);
  }
  return result;
}

}  // namespace bpflab
