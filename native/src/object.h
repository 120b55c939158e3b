// A BPF object: what one ELF file holds, from open to close.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "handle.h"

namespace bpflab {

class Object : public Closable {
 public:
  BPFLAB_HANDLE("BPF object", 0x6270666c61620001, 0x6f626a6563740001);

  explicit Object(bpf_object* object) : object_(object) {}
  ~Object() override { Close(); }

  void Close() override {
    if (object_) bpf_object__close(object_);
    object_ = nullptr;
  }
  bool IsClosed() const override { return object_ == nullptr; }

  bpf_object* get() const { return object_; }
  // Both throw a TypeError for a name the object does not have.
  bpf_map* Map(Napi::Env env, const std::string& name) const;
  bpf_program* Program(Napi::Env env, const std::string& name) const;

 private:
  bpf_object* object_;
};

// What the kernel says of a program, map or link by its descriptor.
template <class Info>
Info InfoOf(Napi::Env env, int fd) {
  Info info = {};
  uint32_t length = sizeof info;
  int error = bpf_obj_get_info_by_fd(fd, &info, &length);
  if (error) throw SystemError(env, error, "bpf_obj_get_info_by_fd");
  return info;
}

// What every program has: its id, its sizes, and what running it has cost.
Napi::Object ProgramFacts(Napi::Env env, const bpf_prog_info& program);

// Loads a program that does nothing and returns 0, to see whether the kernel lets it in; its descriptor is negative,
// and errno set, where it does not. function: of the kernel's BTF, which a program for tracing is about
Fd LoadEmpty(bpf_prog_type type, int attach_type, uint32_t function = 0);

// The kernel's name of a program's type.
const char* ProgramTypeName(bpf_prog_type type);

}  // namespace bpflab
