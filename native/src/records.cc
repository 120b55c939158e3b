#include "records.h"

#include <linux/bpf.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "debug_info.h"

namespace bpflab {

namespace {

// What a register or a slot of the stack holds, as far as it can be followed.
struct Value {
  enum Kind { kUnknown, kNumber, kStack, kSymbol } kind = kUnknown;
  int64_t number = 0;  // kNumber; kStack: the offset from the frame pointer
  std::string symbol;  // kSymbol: the map or the global whose address it is
  size_t id = 0;       // of kUnknown: copies of a value share it
};

constexpr int kFramePointer = 10;

// A helper that takes a record, and in which registers: the map, the record (none for what it returns), its size.
struct Helper {
  int map, data, size;
};

const Helper* HelperOf(const bpf_insn& insn) {
  static const std::map<int, Helper> helpers = {
      {BPF_FUNC_ringbuf_reserve, {1, 0, 2}},   {BPF_FUNC_ringbuf_output, {1, 2, 3}},
      {BPF_FUNC_perf_event_output, {2, 4, 5}}, {BPF_FUNC_skb_output, {2, 4, 5}},
      {BPF_FUNC_xdp_output, {2, 4, 5}},
  };
  if (insn.code != (BPF_JMP | BPF_CALL) || insn.src_reg != 0) return nullptr;
  auto found = helpers.find(insn.imm);
  return found == helpers.end() ? nullptr : &found->second;
}

// Follows values through a section in the order of its instructions. Branches are not followed: compilers set a call's
// arguments up right before it.
class Machine {
 public:
  Machine() { Begin(); }

  // At a function's first instruction.
  void Begin() {
    for (auto& value : registers_) value = Fresh();
    registers_[kFramePointer] = {Value::kStack, 0, "", 0};
    stack_.clear();
  }

  const Value& at(int number) const { return registers_[static_cast<size_t>(number)]; }
  // What a call has returned, whatever else it did.
  const Value& result() const { return registers_[0]; }

  // Whether the register or the stack slot holds the same value as was seen before.
  bool Holds(const VariablePlace& place, const Value& value) const {
    if (place.kind == VariablePlace::kRegister)
      return place.at >= 0 && place.at <= kFramePointer && Same(at(static_cast<int>(place.at)), value);
    auto slot = stack_.find(place.at);
    return slot != stack_.end() && Same(slot->second, value);
  }

  void Step(const bpf_insn& insn, const std::string& symbol) {
    auto& to = registers_[insn.dst_reg];
    switch (BPF_CLASS(insn.code)) {
      case BPF_LD:
        if (insn.code != (BPF_LD | BPF_IMM | BPF_DW)) {
          to = Fresh();
        } else if (!symbol.empty()) {
          to = {Value::kSymbol, 0, symbol, 0};
        } else {
          to = {Value::kNumber, insn.imm, "", 0};
        }
        return;
      case BPF_ALU:
      case BPF_ALU64:
        if (BPF_OP(insn.code) == BPF_MOV) {
          to = BPF_SRC(insn.code) == BPF_X ? registers_[insn.src_reg] : Value{Value::kNumber, insn.imm, "", 0};
        } else if (BPF_OP(insn.code) == BPF_ADD && BPF_SRC(insn.code) == BPF_K &&
                   (to.kind == Value::kStack || to.kind == Value::kNumber)) {
          to.number += insn.imm;
        } else {
          to = Fresh();
        }
        return;
      case BPF_LDX: {
        auto slot = stack_.find(insn.off);
        const bool is_slot = insn.src_reg == kFramePointer && BPF_SIZE(insn.code) == BPF_DW && slot != stack_.end();
        to = is_slot ? slot->second : Fresh();
        return;
      }
      case BPF_STX:
        if (insn.dst_reg == kFramePointer && BPF_SIZE(insn.code) == BPF_DW && BPF_MODE(insn.code) == BPF_MEM)
          stack_[insn.off] = registers_[insn.src_reg];
        return;
      case BPF_JMP:
        if (BPF_OP(insn.code) == BPF_CALL)
          for (size_t i = 0; i <= 5; i++) registers_[i] = Fresh();
        return;
      default:
        return;
    }
  }

 private:
  static bool Same(const Value& a, const Value& b) {
    return a.kind == b.kind && a.number == b.number && a.symbol == b.symbol && a.id == b.id;
  }
  Value Fresh() { return {Value::kUnknown, 0, "", ++ids_}; }

  std::array<Value, 16> registers_;  // as many as a register's field can name
  std::map<int64_t, Value> stack_;
  size_t ids_ = 0;
};

// One section of programs.
struct Code {
  size_t section;
  std::vector<bpf_insn> instructions;
  std::map<size_t, std::string> symbols;  // by instruction: whose address it loads
  std::vector<bool> begins;               // true where a function begins
};

class Finder {
 public:
  explicit Finder(std::vector<uint8_t> object) : debug_(std::move(object)), types_(&records_.types) {
    records_.types.emplace_back();
  }

  Records Find(const std::vector<std::string>& names) {
    for (const auto& name : names)
      if (auto type = debug_.Type(name)) types_.Add(*type);
    for (Elf_Scn* section = nullptr; (section = elf_nextscn(debug_.elf(), section));) {
      GElf_Shdr header;
      if (!gelf_getshdr(section, &header) || header.sh_type != SHT_PROGBITS || !(header.sh_flags & SHF_EXECINSTR))
        continue;
      Elf_Data* data = elf_getdata(section, nullptr);
      if (!data || !data->d_buf) continue;
      Code code;
      code.section = elf_ndxscn(section);
      code.instructions.resize(data->d_size / sizeof(bpf_insn));
      if (code.instructions.empty()) continue;
      memcpy(code.instructions.data(), data->d_buf, code.instructions.size() * sizeof(bpf_insn));
      code.begins.resize(code.instructions.size());
      ReadSymbols(&code);
      Follow(code);
    }
    return std::move(records_);
  }

 private:
  void ReadSymbols(Code* code) {
    for (Elf_Scn* section = nullptr; (section = elf_nextscn(debug_.elf(), section));) {
      GElf_Shdr header;
      if (!gelf_getshdr(section, &header) || !header.sh_entsize) continue;
      Elf_Data* data = elf_getdata(section, nullptr);
      if (!data) continue;
      const auto count = static_cast<int>(header.sh_size / header.sh_entsize);
      if (header.sh_type == SHT_SYMTAB) {
        for (int i = 0; i < count; i++) {
          GElf_Sym symbol;
          if (!gelf_getsym(data, i, &symbol) || symbol.st_shndx != code->section) continue;
          const size_t at = symbol.st_value / sizeof(bpf_insn);
          if (GELF_ST_TYPE(symbol.st_info) == STT_FUNC && at < code->begins.size()) code->begins[at] = true;
        }
      } else if (header.sh_type == SHT_REL && header.sh_info == code->section) {
        GElf_Shdr table;
        Elf_Scn* symbols = elf_getscn(debug_.elf(), header.sh_link);
        Elf_Data* symbol_data = symbols ? elf_getdata(symbols, nullptr) : nullptr;
        if (!symbol_data || !gelf_getshdr(symbols, &table)) continue;
        for (int i = 0; i < count; i++) {
          GElf_Rel relocation;
          GElf_Sym symbol;
          if (!gelf_getrel(data, i, &relocation) ||
              !gelf_getsym(symbol_data, static_cast<int>(GELF_R_SYM(relocation.r_info)), &symbol))
            continue;
          const size_t at = relocation.r_offset / sizeof(bpf_insn);
          if (at >= code->instructions.size()) continue;
          code->symbols[at] = NameOf(symbol, symbol_data, table.sh_link, code->instructions[at].imm);
        }
      }
    }
  }

  // The symbol's name; a section's symbol stands for what lies in the section at the instruction's offset.
  std::string NameOf(const GElf_Sym& symbol, Elf_Data* symbols, size_t strings, int32_t offset) {
    auto name = [&](const GElf_Sym& of) -> std::string {
      const char* text = elf_strptr(debug_.elf(), strings, of.st_name);
      return text ? text : "";
    };
    if (GELF_ST_TYPE(symbol.st_info) != STT_SECTION) return name(symbol);
    GElf_Sym other;
    for (int i = 0; gelf_getsym(symbols, i, &other); i++)
      if (other.st_shndx == symbol.st_shndx && GELF_ST_TYPE(other.st_info) == STT_OBJECT &&
          other.st_value == static_cast<uint64_t>(offset))
        return name(other);
    return "";
  }

  void Follow(const Code& code) {
    Machine machine;
    for (size_t at = 0; at < code.instructions.size(); at++) {
      if (code.begins[at]) machine.Begin();
      const bpf_insn& insn = code.instructions[at];
      auto symbol = code.symbols.find(at);
      if (const Helper* helper = HelperOf(insn)) {
        const Value& map = machine.at(helper->map);
        const Value& size = machine.at(helper->size);
        records_.sites.push_back({map.kind == Value::kSymbol ? map.symbol : "",
                                  size.kind == Value::kNumber ? size.number : -1, TypeId(code, at, machine, *helper)});
      }
      machine.Step(insn, symbol == code.symbols.end() ? "" : symbol->second);
      if (insn.code == (BPF_LD | BPF_IMM | BPF_DW)) at++;  // it takes two
    }
  }

  int64_t TypeId(const Code& code, size_t at, const Machine& machine, const Helper& helper) {
    const int64_t size = machine.at(helper.size).kind == Value::kNumber ? machine.at(helper.size).number : -1;
    auto type =
        helper.data ? OfData(code, at, machine, machine.at(helper.data), size) : OfResult(code, at, machine, size);
    return type ? static_cast<int64_t>(types_.Add(*type)) : -1;
  }

  std::vector<Variable> VariablesAt(const Code& code, size_t at) {
    return debug_.VariablesAt(code.section, at * sizeof(bpf_insn));
  }

  std::vector<Variable> VariablesOfFunction(const Code& code, size_t at) {
    return debug_.VariablesOfFunctionAt(code.section, at * sizeof(bpf_insn));
  }

  // The type of what a call is given.
  std::optional<Dwarf_Die> OfData(const Code& code, size_t at, const Machine& machine, const Value& data,
                                  int64_t size) {
    if (data.kind == Value::kSymbol) return debug_.Global(data.symbol);
    const auto variables = VariablesAt(code, at);
    if (data.kind == Value::kStack) {
      const int64_t place = data.number + FrameSize(code, at);
      auto type = OnStack(variables, place, size);
      return type ? type : OnStack(VariablesOfFunction(code, at), place, size);
    }
    for (const auto& variable : variables) {
      if (!variable.place || !machine.Holds(*variable.place, data)) continue;
      auto type = Pointee(variable.type);
      if (type && Fits(*type, size)) return type;
    }
    auto type = PointedToOfSize(variables, size);
    return type ? type : PointedToOfSize(VariablesOfFunction(code, at), size);
  }

  // LLVM counts a variable's place from the low end of the function's frame, which is a multiple of 8 below the frame
  // pointer: as far as the function reaches.
  static int64_t FrameSize(const Code& code, size_t at) {
    size_t first = at;
    while (first > 0 && !code.begins[first]) first--;
    int64_t lowest = 0;
    for (size_t i = first; i < code.instructions.size() && (i == first || !code.begins[i]); i++) {
      const bpf_insn& insn = code.instructions[i];
      const bool loads = BPF_CLASS(insn.code) == BPF_LDX && insn.src_reg == kFramePointer;
      const bool stores =
          (BPF_CLASS(insn.code) == BPF_STX || BPF_CLASS(insn.code) == BPF_ST) && insn.dst_reg == kFramePointer;
      const bool points = i > first && insn.code == (BPF_ALU64 | BPF_ADD | BPF_K) &&
                          code.instructions[i - 1].code == (BPF_ALU64 | BPF_MOV | BPF_X) &&
                          code.instructions[i - 1].src_reg == kFramePointer &&
                          code.instructions[i - 1].dst_reg == insn.dst_reg;
      if (loads || stores) lowest = std::min<int64_t>(lowest, insn.off);
      if (points) lowest = std::min<int64_t>(lowest, insn.imm);
    }
    return (-lowest + 7) / 8 * 8;
  }

  // A variable on the stack: the one at this place, else the only type of this size.
  static std::optional<Dwarf_Die> OnStack(const std::vector<Variable>& variables, int64_t at, int64_t size) {
    std::optional<Dwarf_Die> only;
    bool several = false;
    for (const auto& variable : variables) {
      if (Pointee(variable.type) || !Fits(variable.type, size)) continue;
      if (variable.place && variable.place->kind == VariablePlace::kStack && variable.place->at == at)
        return variable.type;
      several |= only && !IsSame(*only, variable.type);
      only = variable.type;
    }
    return size < 0 || several ? std::nullopt : only;
  }

  // The type of what a call returns: of the variable that holds it soon after.
  std::optional<Dwarf_Die> OfResult(const Code& code, size_t at, Machine machine, int64_t size) {
    constexpr size_t kSoon = 12;
    machine.Step(code.instructions[at], "");
    const Value result = machine.result();
    for (size_t next = at + 1; next < code.instructions.size() && next <= at + kSoon && !code.begins[next]; next++) {
      for (const auto& variable : VariablesAt(code, next)) {
        if (!variable.place || !machine.Holds(*variable.place, result)) continue;
        auto type = Pointee(variable.type);
        if (type && Fits(*type, size)) return type;
      }
      machine.Step(code.instructions[next], "");
      if (code.instructions[next].code == (BPF_LD | BPF_IMM | BPF_DW)) next++;
    }
    auto type = PointedToOfSize(VariablesAt(code, at), size);
    return type ? type : PointedToOfSize(VariablesOfFunction(code, at), size);
  }

  // Whether a record of so many bytes can be of this type: a whole one, or one whose last field may be longer or
  // shorter.
  static bool Fits(Dwarf_Die type, int64_t size) {
    const auto whole = static_cast<int64_t>(SizeOf(type));
    return whole > 0 && (size < 0 || size == whole || EndsWithArray(type));
  }

  // Where the compiler did not say which variable it is: the one struct of this size that something points to.
  static std::optional<Dwarf_Die> PointedToOfSize(const std::vector<Variable>& variables, int64_t size) {
    std::optional<Dwarf_Die> only;
    for (const auto& variable : variables) {
      auto type = Pointee(variable.type);
      if (!type || !IsStruct(Unqualified(*type)) || static_cast<int64_t>(SizeOf(*type)) != size) continue;
      if (only && !IsSame(*only, *type)) return {};
      only = type;
    }
    return only;
  }

  static bool IsSame(Dwarf_Die a, Dwarf_Die b) {
    Dwarf_Die plain = Unqualified(a), other = Unqualified(b);
    return dwarf_dieoffset(&plain) == dwarf_dieoffset(&other);
  }

  DebugInfo debug_;
  Records records_;
  TypeList types_;
};

}  // namespace

Records FindRecords(const uint8_t* elf, size_t length, const std::vector<std::string>& names) {
  return Finder({elf, elf + length}).Find(names);
}

}  // namespace bpflab
