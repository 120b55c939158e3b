// DWARF, by elfutils: the variables that are visible at an instruction, and their types.
#pragma once

#include <elfutils/libdw.h>
#include <gelf.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "records.h"

namespace bpflab {

// Where a variable is while an instruction runs.
struct VariablePlace {
  enum Kind { kRegister, kStack } kind;  // a pointer in a register; itself on the stack
  int64_t at;                            // the register's number; the offset from the frame pointer
};

struct Variable {
  Dwarf_Die type;
  std::optional<VariablePlace> place;  // none where the compiler lost it
};

class DebugInfo {
 public:
  // Takes an object file's bytes. Throws std::runtime_error where they are none.
  explicit DebugInfo(std::vector<uint8_t> object);
  ~DebugInfo();
  DebugInfo(const DebugInfo&) = delete;
  DebugInfo& operator=(const DebugInfo&) = delete;

  Elf* elf() const { return elf_; }
  // The variables in the blocks around an instruction, innermost first; none without debug information.
  std::vector<Variable> VariablesAt(size_t section, uint64_t offset);
  // All variables of the function that an instruction is in, also of what was inlined there, without their places: the
  // compiler merges blocks, which then belong to none.
  std::vector<Variable> VariablesOfFunctionAt(size_t section, uint64_t offset);
  // A global variable's type.
  std::optional<Dwarf_Die> Global(const std::string& name);
  // A type that is defined outside of functions.
  std::optional<Dwarf_Die> Type(const std::string& name);

 private:
  template <class Test>
  std::optional<Dwarf_Die> Find(Test is_wanted);
  Dwarf_Die* FunctionAt(Dwarf_Addr address);
  // In an object file all sections begin at zero: moves them apart in what the debug information says.
  void Relocate();

  std::vector<uint8_t> object_;
  Elf* elf_ = nullptr;
  Dwarf* dwarf_ = nullptr;
  std::vector<Dwarf_Die> units_;
  Dwarf_Die function_;  // the one that was asked for last
};

// Follows typedefs and qualifiers.
Dwarf_Die Unqualified(Dwarf_Die type);
// What a pointer points to; none for void and for what is no pointer.
std::optional<Dwarf_Die> Pointee(Dwarf_Die type);
// Bytes of a type; 0 where it has no size.
uint64_t SizeOf(Dwarf_Die type);

bool IsStruct(Dwarf_Die unqualified);
// Whether it is a struct whose last field is an array.
bool EndsWithArray(Dwarf_Die type);

// Types of DWARF as those of BTF, each once.
class TypeList {
 public:
  explicit TypeList(std::vector<RecordType>* types) : types_(types) {}
  uint32_t Add(Dwarf_Die type);

 private:
  void Fill(Dwarf_Die type, RecordType* to);

  std::vector<RecordType>* types_;
  std::map<Dwarf_Off, uint32_t> known_;
};

}  // namespace bpflab
