#include "verifier_log.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <string.h>

#include "handle.h"

namespace bpflab {

namespace {

constexpr size_t kSize = 1 << 20;  // some twenty thousand lines

// Found by trying: a program whose log does not fit, of which the last line is there or not.
bool KernelKeepsTheEnd() {
  static const bool keeps = [] {
    std::vector<bpf_insn> program(100, {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0});
    program.push_back({.code = BPF_JMP | BPF_EXIT});
    char log[512] = "";
    LIBBPF_OPTS(bpf_prog_load_opts, options, .log_level = 2, .log_size = sizeof log, .log_buf = log);
    Fd fd(bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, nullptr, "GPL", program.data(), program.size(), &options));
    return strstr(log, "processed ") != nullptr;
  }();
  return keeps;
}

// The program that libbpf says it could not load.
std::string FailedProgram(const std::string& output) {
  static const std::string before = "libbpf: prog '", behind = "': BPF program load failed";
  size_t end = output.rfind(behind);
  size_t begin = end == std::string::npos ? end : output.rfind(before, end);
  if (begin == std::string::npos) return "";
  begin += before.size();
  return output.substr(begin, end - begin);
}

}  // namespace

VerifierLog::VerifierLog(bpf_object* object) {
  if (!KernelKeepsTheEnd()) return;
  buffer_.resize(kSize);
  bpf_program* program;
  // libbpf loads them one after another and stops at the first that fails, so all can have the same.
  bpf_object__for_each_program(program, object) bpf_program__set_log_buf(program, buffer_.data(), buffer_.size());
}

std::string VerifierLog::BehindOutput(const std::string& output) const {
  std::string log(buffer_.data(), strnlen(buffer_.data(), buffer_.size()));
  std::string program = FailedProgram(output);
  if (log.empty() || program.empty()) return output;
  if (log.size() + 1 == buffer_.size()) log = "-- the beginning is left out\n" + log.substr(log.find('\n') + 1);
  return output + "libbpf: prog '" + program + "': -- BEGIN PROG LOAD LOG --\n" + log + "-- END PROG LOAD LOG --\n";
}

}  // namespace bpflab
