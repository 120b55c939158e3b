// Network interfaces, and the older way onto their traffic: a clsact qdisc with BPF filters.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link.h"
#include "object.h"

namespace bpflab {

namespace {

// if_nameindex() -> the interfaces of this network namespace, by the kernel's own list: /sys may show another
// namespace's
Napi::Value Interfaces(const Napi::CallbackInfo& info) {
  auto env = info.Env();
  std::unique_ptr<struct if_nameindex, decltype(&if_freenameindex)> all(if_nameindex(), if_freenameindex);
  if (!all) throw SystemError(env, errno, "if_nameindex");
  Fd any(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  auto list = Napi::Array::New(env);
  for (auto* one = all.get(); one->if_index != 0; one++) {
    ifreq request = {};
    strncpy(request.ifr_name, one->if_name, IFNAMSIZ - 1);
    if (ioctl(any.get(), SIOCGIFFLAGS, &request)) continue;  // it has gone meanwhile
    auto entry = Napi::Object::New(env);
    entry.Set("name", one->if_name);
    entry.Set("index", Napi::Number::New(env, one->if_index));
    entry.Set("up", Napi::Boolean::New(env, request.ifr_flags & IFF_UP));
    list.Set(list.Length(), entry);
  }
  return list;
}

bpf_tc_hook Hook(const Napi::CallbackInfo& info, size_t first) {
  bpf_tc_hook hook = {};
  hook.sz = sizeof hook;
  hook.ifindex = static_cast<int>(IntArg(info, first, 1, INT32_MAX));
  hook.attach_point =
      static_cast<bpf_tc_attach_point>(IntArg(info, first + 1, BPF_TC_INGRESS, BPF_TC_INGRESS | BPF_TC_EGRESS));
  return hook;
}

// bpf_tc_hook_create(ifindex, attach_point) -> false when the interface has a clsact qdisc already
Napi::Value CreateHook(const Napi::CallbackInfo& info) {
  auto hook = Hook(info, 0);
  LibbpfLog log;
  int error = bpf_tc_hook_create(&hook);
  if (error && error != -EEXIST) throw SystemError(info.Env(), error, "bpf_tc_hook_create", log.text());
  return Napi::Boolean::New(info.Env(), !error);
}

// bpf_tc_hook_destroy(ifindex, attach_point): with both attach points it removes the qdisc and all that hangs on it
Napi::Value DestroyHook(const Napi::CallbackInfo& info) {
  auto hook = Hook(info, 0);
  LibbpfLog log;
  int error = bpf_tc_hook_destroy(&hook);
  if (error) throw SystemError(info.Env(), error, "bpf_tc_hook_destroy", log.text());
  return info.Env().Undefined();
}

// bpf_tc_attach(object, program, ifindex, attach_point, handle, priority, replace)
// With replace, the program of the filter that has this handle is exchanged, atomically.
Napi::Value AttachFilter(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  bpf_program* program = object->Program(info.Env(), StringArg(info, 1));
  auto hook = Hook(info, 2);
  LIBBPF_OPTS(bpf_tc_opts, options);
  options.prog_fd = bpf_program__fd(program);
  options.handle = static_cast<uint32_t>(IntArg(info, 4, 1, UINT32_MAX));
  options.priority = static_cast<uint32_t>(IntArg(info, 5, 1, UINT16_MAX));
  if (info[6].ToBoolean()) options.flags = BPF_TC_F_REPLACE;
  LibbpfLog log;
  int error = bpf_tc_attach(&hook, &options);
  if (error) throw SystemError(info.Env(), error, "bpf_tc_attach", log.text());
  return info.Env().Undefined();
}

// A call of libbpf about the filter that (ifindex, attach_point, handle, priority) name -> whether there is one
template <class Call>
Napi::Value OfFilter(const Napi::CallbackInfo& info, const char* name, Call call) {
  auto hook = Hook(info, 0);
  LIBBPF_OPTS(bpf_tc_opts, options);
  options.handle = static_cast<uint32_t>(IntArg(info, 2, 1, UINT32_MAX));
  options.priority = static_cast<uint32_t>(IntArg(info, 3, 1, UINT16_MAX));
  LibbpfLog log;
  int error = call(&hook, &options);
  if (error && error != -ENOENT && error != -ENODEV &&
      error != -EINVAL)  // the filter, the interface or the qdisc has gone
    throw SystemError(info.Env(), error, name, log.text());
  return Napi::Boolean::New(info.Env(), !error);
}

// bpf_tc_detach(ifindex, attach_point, handle, priority) -> whether it was there
Napi::Value DetachFilter(const Napi::CallbackInfo& info) { return OfFilter(info, "bpf_tc_detach", bpf_tc_detach); }

// bpf_tc_query(ifindex, attach_point, handle, priority) -> whether there is such a filter
Napi::Value QueryFilter(const Napi::CallbackInfo& info) { return OfFilter(info, "bpf_tc_query", bpf_tc_query); }

// bpf_link_ifindex(link) -> the interface a network link is on, 0 when that has gone
Napi::Value LinkInterface(const Napi::CallbackInfo& info) {
  auto link = Unwrap<Link>(info, 0);
  bpf_link_info kernel = {};
  uint32_t length = sizeof kernel;
  int error = bpf_obj_get_info_by_fd(link->fd(), &kernel, &length);
  if (error) throw SystemError(info.Env(), error, "bpf_obj_get_info_by_fd");
  // TCX links (which libbpf 1.1 does not know) begin with the interface as XDP links do.
  return Napi::Number::New(info.Env(), kernel.xdp.ifindex);
}

}  // namespace

void InitTc(Napi::Env env, Napi::Object exports) {
  exports.Set("if_nameindex", Napi::Function::New(env, Interfaces));
  exports.Set("bpf_tc_hook_create", Napi::Function::New(env, CreateHook));
  exports.Set("bpf_tc_hook_destroy", Napi::Function::New(env, DestroyHook));
  exports.Set("bpf_tc_attach", Napi::Function::New(env, AttachFilter));
  exports.Set("bpf_tc_detach", Napi::Function::New(env, DetachFilter));
  exports.Set("bpf_tc_query", Napi::Function::New(env, QueryFilter));
  exports.Set("bpf_link_ifindex", Napi::Function::New(env, LinkInterface));
}

}  // namespace bpflab
