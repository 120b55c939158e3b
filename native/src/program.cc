// Loaded programs: what the kernel says of them, and test runs.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>

#include <vector>

#include "link.h"
#include "object.h"

namespace bpflab {

Fd LoadEmpty(bpf_prog_type type, int attach_type, uint32_t function) {
  const bpf_insn nothing[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
                              {.code = BPF_JMP | BPF_EXIT}};
  LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = static_cast<bpf_attach_type>(attach_type),
              .attach_btf_id = function);
  return Fd(bpf_prog_load(type, nullptr, "GPL", nothing, 2, &options));
}

namespace {

// bpf_program__info(object, program) -> what the kernel knows of the loaded program
Napi::Value Info(const Napi::CallbackInfo& info) {
  auto object = Unwrap<Object>(info, 0);
  bpf_program* program = object->Program(info.Env(), StringArg(info, 1));
  return ProgramFacts(info.Env(), InfoOf<bpf_prog_info>(info.Env(), bpf_program__fd(program)));
}

// bpf_enable_stats() -> a link that keeps run counts and run times on while it is open
Napi::Value EnableStats(const Napi::CallbackInfo& info) {
  int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
  if (fd < 0) throw SystemError(info.Env(), fd, "bpf_enable_stats");
  return Wrap(info.Env(), std::make_shared<Link>(fd));
}

// bpf_prog_test_run(object, program, { data?, context?, repeat? }) -> { retval, duration, data }
// duration: ns a run, measured by the kernel over the repeats
Napi::Value TestRun(const Napi::CallbackInfo& info) {
  auto env = info.Env();
  auto object = Unwrap<Object>(info, 0);
  bpf_program* program = object->Program(env, StringArg(info, 1));
  auto options = info[2].IsObject() ? info[2].As<Napi::Object>() : Napi::Object::New(env);
  LIBBPF_OPTS(bpf_test_run_opts, run);
  std::vector<uint8_t> out;
  Napi::Value data = options.Get("data"), context = options.Get("context"), repeat = options.Get("repeat");
  if (data.IsBuffer()) {
    auto bytes = data.As<Napi::Buffer<uint8_t>>();
    run.data_in = bytes.Data();
    run.data_size_in = static_cast<uint32_t>(bytes.Length());
    out.resize(bytes.Length() + 512);  // room for a program that grows the packet
    run.data_out = out.data();
    run.data_size_out = static_cast<uint32_t>(out.size());
  }
  if (context.IsBuffer()) {
    auto bytes = context.As<Napi::Buffer<uint8_t>>();
    run.ctx_in = bytes.Data();
    run.ctx_size_in = static_cast<uint32_t>(bytes.Length());
  }
  if (repeat.IsNumber()) run.repeat = repeat.As<Napi::Number>().Int32Value();
  int error = bpf_prog_test_run_opts(bpf_program__fd(program), &run);
  if (error) throw SystemError(env, error, "BPF_PROG_TEST_RUN");
  auto result = Napi::Object::New(env);
  result.Set("retval", Napi::Number::New(env, run.retval));
  result.Set("duration", Napi::Number::New(env, run.duration));
  result.Set("data", Napi::Buffer<uint8_t>::Copy(env, out.data(), data.IsBuffer() ? run.data_size_out : 0));
  return result;
}

// libbpf_probe_bpf_prog_type(type) -> whether this kernel has it, found by loading one
Napi::Value ProbeProgramType(const Napi::CallbackInfo& info) {
  auto type = static_cast<bpf_prog_type>(IntArg(info, 0, 0, 1000));
  int found = libbpf_probe_bpf_prog_type(type, nullptr);
  // libbpf 1.1 knows no programs of netfilter, which have one attach type.
  if (found < 0) found = LoadEmpty(type, 45).get() >= 0;
  return Napi::Boolean::New(info.Env(), found != 0);
}

// libbpf_probe_bpf_map_type(type) -> whether this kernel has it, found by making one
Napi::Value ProbeMapType(const Napi::CallbackInfo& info) {
  auto type = static_cast<bpf_map_type>(IntArg(info, 0, 0, 1000));
  return Napi::Boolean::New(info.Env(), libbpf_probe_bpf_map_type(type, nullptr) != 0);
}

// probe_fentry(function): puts an empty program on a function of the kernel, and takes it off again; throws where that
// cannot be
Napi::Value ProbeFentry(const Napi::CallbackInfo& info) {
  auto env = info.Env();
  std::string function = StringArg(info, 0);
  LibbpfLog log;
  int id = libbpf_find_vmlinux_btf_id(function.c_str(), BPF_TRACE_FENTRY);
  if (id < 0) throw SystemError(env, id, "no types of " + function, log.text());
  Fd program = LoadEmpty(BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, static_cast<uint32_t>(id));
  if (program.get() < 0) throw SystemError(env, errno, "load an fentry program", log.text());
  Fd link(bpf_raw_tracepoint_open(nullptr, program.get()));
  if (link.get() < 0) throw SystemError(env, errno, "attach an fentry program", log.text());
  return env.Undefined();
}

}  // namespace

Napi::Object ProgramFacts(Napi::Env env, const bpf_prog_info& program) {
  auto facts = Napi::Object::New(env);
  auto number = [&](const char* name, double value) { facts.Set(name, Napi::Number::New(env, value)); };
  number("id", program.id);
  number("bytesTranslated", program.xlated_prog_len);
  number("bytesJited", program.jited_prog_len);
  number("verifiedInstructions", program.verified_insns);
  number("runs", static_cast<double>(program.run_cnt));
  number("runTime", static_cast<double>(program.run_time_ns));
  number("recursionMisses", static_cast<double>(program.recursion_misses));
  return facts;
}

void InitProgram(Napi::Env env, Napi::Object exports) {
  exports.Set("bpf_program__info", Napi::Function::New(env, Info));
  exports.Set("libbpf_probe_bpf_prog_type", Napi::Function::New(env, ProbeProgramType));
  exports.Set("libbpf_probe_bpf_map_type", Napi::Function::New(env, ProbeMapType));
  exports.Set("probe_fentry", Napi::Function::New(env, ProbeFentry));
  exports.Set("bpf_enable_stats", Napi::Function::New(env, EnableStats));
  exports.Set("bpf_prog_test_run", Napi::Function::New(env, TestRun));
}

}  // namespace bpflab
