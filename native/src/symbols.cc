// Names of addresses in a process, by elfutils: symbols, inlined functions, separate debug files by build id.
#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "handle.h"

namespace bpflab {

namespace {

class Symbols : public Closable {
 public:
  BPFLAB_HANDLE("symbols", 0x6270666c61620009, 0x73796d6273000009);

  explicit Symbols(pid_t pid) : pid_(pid) {}
  ~Symbols() override { Close(); }

  // 0, or what the system says against it; also to look again at what the process has mapped since.
  int Report() {
    if (!dwfl_) dwfl_ = dwfl_begin(&kCallbacks);
    dwfl_report_begin_add(dwfl_);
    reporting_ = pid_;
    int error = dwfl_linux_proc_report(dwfl_, pid_);
    dwfl_report_end(dwfl_, nullptr, nullptr);
    return error;
  }
  void Close() override {
    if (dwfl_) dwfl_end(dwfl_);
    dwfl_ = nullptr;
  }
  bool IsClosed() const override { return dwfl_ == nullptr; }

  // The functions that an address lies in, from the one inlined deepest outwards; none in no mapped file.
  std::vector<std::string> NamesOf(uint64_t address) const {
    std::vector<std::string> names;
    reporting_ = pid_;
    Dwfl_Module* module = dwfl_addrmodule(dwfl_, address);
    if (!module) return names;
    Inlined(module, address, names);
    GElf_Off offset;
    GElf_Sym symbol;
    const char* name = dwfl_module_addrinfo(module, address, &offset, &symbol, nullptr, nullptr, nullptr);
    names.push_back(name ? Demangled(name) : FileOf(module));
    return names;
  }

 private:
  // Functions that the compiler put into the one whose symbol is at the address.
  static void Inlined(Dwfl_Module* module, uint64_t address, std::vector<std::string>& names) {
    Dwarf_Addr bias = 0;
    Dwarf_Die* unit = dwfl_module_addrdie(module, address, &bias);
    if (!unit) return;
    Dwarf_Die* scopes = nullptr;
    if (dwarf_getscopes(unit, address - bias, &scopes) > 0) {
      Dwarf_Die innermost = scopes[0];
      free(scopes);
      int count = dwarf_getscopes_die(&innermost, &scopes);
      for (int i = 0; i < count && dwarf_tag(&scopes[i]) != DW_TAG_subprogram; i++)
        if (dwarf_tag(&scopes[i]) == DW_TAG_inlined_subroutine) names.push_back(NameOf(&scopes[i]));
      if (count <= 0) return;
    }
    free(scopes);
  }

  static std::string NameOf(Dwarf_Die* die) {
    Dwarf_Attribute attribute;
    const char* linkage = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute));
    if (linkage) return Demangled(linkage);
    const char* name = dwarf_diename(die);
    return name ? name : "[inlined]";
  }

  static std::string Demangled(const char* name) {
    int status = 0;
    char* text = strncmp(name, "_Z", 2) == 0 ? abi::__cxa_demangle(name, nullptr, nullptr, &status) : nullptr;
    std::string result = text ? text : name;
    free(text);
    // Rust ends its names with a hash, ::h0123456789abcdef
    size_t hash = result.rfind("::h");
    if (hash != std::string::npos && result.size() - hash == 19 &&
        result.find_first_not_of("0123456789abcdef", hash + 3) == std::string::npos)
      result.resize(hash);
    return result;
  }

  // `[libc.so.6]` where a file has no symbol for it
  static std::string FileOf(Dwfl_Module* module) {
    const char* path = dwfl_module_info(module, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr);
    const char* base = path ? strrchr(path, '/') : nullptr;
    std::string name = base ? base + 1 : path ? path : "unknown";
    return name[0] == '[' ? name : "[" + name + "]";
  }

  // The file as the process sees it, also in a container.
  static int FindElf(Dwfl_Module* module, void** data, const char* name, Dwarf_Addr base, char** file, Elf** elf) {
    if (name[0] == '/') {
      std::string path = "/proc/" + std::to_string(reporting_) + "/root" + name;
      int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
      if (fd >= 0) {
        *file = strdup(name);
        return fd;
      }
    }
    return dwfl_linux_proc_find_elf(module, data, name, base, file, elf);
  }

  static const Dwfl_Callbacks kCallbacks;
  // elfutils gives its callbacks no word of the process.
  static thread_local pid_t reporting_;
  pid_t pid_;
  Dwfl* dwfl_ = nullptr;
};

const Dwfl_Callbacks Symbols::kCallbacks = {
    .find_elf = FindElf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
    .section_address = nullptr,
    .debuginfo_path = nullptr,
};
thread_local pid_t Symbols::reporting_ = 0;

// symbols_open(pid) -> what names the addresses of a process, also after its end
Napi::Value OpenSymbols(const Napi::CallbackInfo& info) {
  auto symbols = std::make_shared<Symbols>(static_cast<pid_t>(IntArg(info, 0, 1, INT32_MAX)));
  int error = symbols->Report();
  if (error) throw SystemError(info.Env(), error > 0 ? error : ESRCH, "the process's mappings");
  return Wrap(info.Env(), std::move(symbols));
}

// symbols_refresh(symbols) -> whether the process is there; finds what it has mapped since
Napi::Value Refresh(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), Unwrap<Symbols>(info, 0)->Report() == 0);
}

// symbols_names(symbols, addresses) -> per address its functions, the one inlined deepest first; [] where nothing is
// known
Napi::Value NamesOf(const Napi::CallbackInfo& info) {
  auto env = info.Env();
  auto symbols = Unwrap<Symbols>(info, 0);
  auto addresses = info[1].As<Napi::BigUint64Array>();
  auto all = Napi::Array::New(env, addresses.ElementLength());
  for (size_t i = 0; i < addresses.ElementLength(); i++) {
    auto names = symbols->NamesOf(addresses[i]);
    auto list = Napi::Array::New(env, names.size());
    for (size_t j = 0; j < names.size(); j++) list.Set(static_cast<uint32_t>(j), names[j]);
    all.Set(static_cast<uint32_t>(i), list);
  }
  return all;
}

}  // namespace

void InitSymbols(Napi::Env env, Napi::Object exports) {
  exports.Set("symbols_open", Napi::Function::New(env, OpenSymbols));
  exports.Set("symbols_refresh", Napi::Function::New(env, Refresh));
  exports.Set("symbols_names", Napi::Function::New(env, NamesOf));
  exports.Set("symbols_close", Napi::Function::New(env, CloseHandle<Symbols>));
}

}  // namespace bpflab
