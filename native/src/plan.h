// Plans and columns as JavaScript gives and takes them.
#pragma once

#include <memory>

#include "columns.h"
#include "handle.h"

namespace bpflab {

// A number of an options object.
uint32_t NumberField(const Napi::Object& from, const char* name, uint32_t otherwise = 0);

// A plan as `Plan` in index.d.ts describes it; throws where it would read outside a record.
Plan PlanArg(const Napi::CallbackInfo& info, const Napi::Object& from);

// Per column, the strings that got a code since the last call, in code order.
Napi::Array TakeLabels(Napi::Env env, const Plan& plan);

// The chunk's columns as { rows, buffers, offsets }: its own memory when it is well filled, a copy of the rows when it
// is mostly room.
Napi::Object ChunkObject(Napi::Env env, const Plan& plan, std::unique_ptr<Chunk> chunk);

}  // namespace bpflab
