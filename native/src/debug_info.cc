#include "debug_info.h"

#include <dwarf.h>
#include <string.h>

#include <stdexcept>
#include <utility>

namespace bpflab {

namespace {

std::optional<Dwarf_Die> DieOf(Dwarf_Die* die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Die found;
  if (!dwarf_attr_integrate(die, name, &attribute) || !dwarf_formref_die(&attribute, &found)) return {};
  return found;
}

std::optional<Dwarf_Word> NumberOf(Dwarf_Die* die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value;
  if (!dwarf_attr_integrate(die, name, &attribute) || dwarf_formudata(&attribute, &value)) return {};
  return value;
}

std::string NameOf(Dwarf_Die* die) {
  const char* name = dwarf_diename(die);
  return name ? name : "";
}

std::optional<VariablePlace> PlaceAt(Dwarf_Die* variable, Dwarf_Addr address) {
  Dwarf_Attribute attribute;
  Dwarf_Op* expression;
  size_t length;
  if (!dwarf_attr_integrate(variable, DW_AT_location, &attribute) ||
      dwarf_getlocation_addr(&attribute, address, &expression, &length, 1) != 1 || length != 1)
    return {};
  const auto& [atom, number, number2, offset] = expression[0];
  if (atom >= DW_OP_reg0 && atom <= DW_OP_reg31) return VariablePlace{VariablePlace::kRegister, atom - DW_OP_reg0};
  constexpr unsigned kFramePointer = 10;
  if (atom == DW_OP_fbreg || atom == DW_OP_breg0 + kFramePointer)
    return VariablePlace{VariablePlace::kStack, static_cast<int64_t>(number)};
  return {};
}

// Variables of a function, of which the compiler may have lost every trace where it was inlined.
void CollectPlaceless(Dwarf_Die* block, std::vector<Variable>* to) {
  Dwarf_Die child;
  if (dwarf_child(block, &child)) return;
  do {
    const int tag = dwarf_tag(&child);
    if (tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine) CollectPlaceless(&child, to);
    auto origin = tag == DW_TAG_inlined_subroutine ? DieOf(&child, DW_AT_abstract_origin) : std::nullopt;
    if (origin) CollectPlaceless(&*origin, to);
    if (tag != DW_TAG_variable && tag != DW_TAG_formal_parameter) continue;
    if (auto type = DieOf(&child, DW_AT_type)) to->push_back({*type, {}});
  } while (dwarf_siblingof(&child, &child) == 0);
}

// Variables of a block that contains the address; those of blocks within it come first.
void Collect(Dwarf_Die* block, Dwarf_Addr address, std::vector<Variable>* to) {
  Dwarf_Die child;
  if (dwarf_child(block, &child)) return;
  std::vector<Variable> own;
  do {
    switch (dwarf_tag(&child)) {
      case DW_TAG_lexical_block:
      case DW_TAG_inlined_subroutine:
        if (dwarf_haspc(&child, address) != 1) break;
        Collect(&child, address, to);
        if (auto origin = DieOf(&child, DW_AT_abstract_origin)) CollectPlaceless(&*origin, to);
        break;
      case DW_TAG_variable:
      case DW_TAG_formal_parameter:
        if (auto type = DieOf(&child, DW_AT_type)) own.push_back({*type, PlaceAt(&child, address)});
        break;
      default:
        break;
    }
  } while (dwarf_siblingof(&child, &child) == 0);
  to->insert(to->end(), own.begin(), own.end());
}

// Where a section's first instruction stands.
Dwarf_Addr Base(size_t section) { return Dwarf_Addr{section} << 32; }

// Bytes of what a relocation (linux/Documentation/bpf/llvm_reloc.rst) changes in debug information; 0 for others.
size_t RelocatedBytes(uint64_t type) {
  switch (type) {
    case 1:  // R_BPF_64_64, for which clang 12 used it too
    case 2:  // R_BPF_64_ABS64
      return 8;
    default:
      return 0;
  }
}

}  // namespace

DebugInfo::DebugInfo(std::vector<uint8_t> object) : object_(std::move(object)) {
  elf_version(EV_CURRENT);
  elf_ = elf_memory(reinterpret_cast<char*>(object_.data()), object_.size());
  if (!elf_ || elf_kind(elf_) != ELF_K_ELF) {
    elf_end(elf_);
    throw std::runtime_error("these bytes are no ELF file");
  }
  Relocate();
  dwarf_ = dwarf_begin_elf(elf_, DWARF_C_READ, nullptr);
  Dwarf_CU* unit = nullptr;
  Dwarf_Die die;
  while (dwarf_ && dwarf_get_units(dwarf_, unit, &unit, nullptr, nullptr, &die, nullptr) == 0) units_.push_back(die);
}

DebugInfo::~DebugInfo() {
  if (dwarf_) dwarf_end(dwarf_);
  elf_end(elf_);
}

void DebugInfo::Relocate() {
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf_, section));) {
    GElf_Shdr header, target_header, table_header;
    if (!gelf_getshdr(section, &header) || header.sh_type != SHT_REL || !header.sh_entsize) continue;
    Elf_Scn* target = elf_getscn(elf_, header.sh_info);
    Elf_Scn* table = elf_getscn(elf_, header.sh_link);
    if (!target || !table || !gelf_getshdr(target, &target_header) || !gelf_getshdr(table, &table_header)) continue;
    Elf_Data* relocations = elf_getdata(section, nullptr);
    Elf_Data* symbols = elf_getdata(table, nullptr);
    Elf_Data* data = target_header.sh_flags & SHF_ALLOC ? nullptr : elf_getdata(target, nullptr);
    if (!relocations || !symbols || !data || !data->d_buf) continue;
    for (int i = 0; i < static_cast<int>(header.sh_size / header.sh_entsize); i++) {
      GElf_Rel relocation;
      GElf_Sym symbol;
      if (!gelf_getrel(relocations, i, &relocation) ||
          !gelf_getsym(symbols, static_cast<int>(GELF_R_SYM(relocation.r_info)), &symbol))
        continue;
      const size_t bytes = RelocatedBytes(GELF_R_TYPE(relocation.r_info));
      if (!bytes || relocation.r_offset + bytes > data->d_size) continue;
      auto* at = static_cast<uint8_t*>(data->d_buf) + relocation.r_offset;
      uint64_t value;
      memcpy(&value, at, sizeof value);
      value += Base(symbol.st_shndx) + symbol.st_value;
      memcpy(at, &value, sizeof value);
    }
  }
}

template <class Test>
std::optional<Dwarf_Die> DebugInfo::Find(Test is_wanted) {
  for (auto& unit : units_) {
    Dwarf_Die child;
    if (dwarf_child(&unit, &child)) continue;
    do {
      if (is_wanted(&child)) return child;
    } while (dwarf_siblingof(&child, &child) == 0);
  }
  return {};
}

Dwarf_Die* DebugInfo::FunctionAt(Dwarf_Addr address) {
  auto found =
      Find([address](Dwarf_Die* die) { return dwarf_tag(die) == DW_TAG_subprogram && dwarf_haspc(die, address) == 1; });
  if (!found) return nullptr;
  function_ = *found;
  return &function_;
}

std::vector<Variable> DebugInfo::VariablesAt(size_t section, uint64_t offset) {
  const Dwarf_Addr address = Base(section) + offset;
  std::vector<Variable> found;
  if (auto* function = FunctionAt(address)) Collect(function, address, &found);
  return found;
}

std::vector<Variable> DebugInfo::VariablesOfFunctionAt(size_t section, uint64_t offset) {
  std::vector<Variable> found;
  if (auto* function = FunctionAt(Base(section) + offset)) CollectPlaceless(function, &found);
  return found;
}

std::optional<Dwarf_Die> DebugInfo::Global(const std::string& name) {
  auto variable = Find([&name](Dwarf_Die* die) { return dwarf_tag(die) == DW_TAG_variable && NameOf(die) == name; });
  return variable ? DieOf(&*variable, DW_AT_type) : std::nullopt;
}

std::optional<Dwarf_Die> DebugInfo::Type(const std::string& name) {
  return Find([&name](Dwarf_Die* die) {
    switch (dwarf_tag(die)) {
      case DW_TAG_structure_type:
      case DW_TAG_union_type:
      case DW_TAG_enumeration_type:
      case DW_TAG_typedef:
      case DW_TAG_base_type:
        return NameOf(die) == name && SizeOf(*die) > 0;
      default:
        return false;
    }
  });
}

Dwarf_Die Unqualified(Dwarf_Die type) {
  for (;;) {
    switch (dwarf_tag(&type)) {
      case DW_TAG_typedef:
      case DW_TAG_const_type:
      case DW_TAG_volatile_type:
      case DW_TAG_restrict_type:
      case DW_TAG_atomic_type:
        if (auto next = DieOf(&type, DW_AT_type)) {
          type = *next;
          continue;
        }
        return type;
      default:
        return type;
    }
  }
}

std::optional<Dwarf_Die> Pointee(Dwarf_Die type) {
  Dwarf_Die plain = Unqualified(type);
  if (dwarf_tag(&plain) != DW_TAG_pointer_type) return {};
  return DieOf(&plain, DW_AT_type);
}

uint64_t SizeOf(Dwarf_Die type) {
  Dwarf_Word size = 0;
  return dwarf_aggregate_size(&type, &size) ? 0 : size;
}

bool IsStruct(Dwarf_Die unqualified) { return dwarf_tag(&unqualified) == DW_TAG_structure_type; }

bool EndsWithArray(Dwarf_Die type) {
  Dwarf_Die plain = Unqualified(type), child;
  std::optional<Dwarf_Die> last;
  if (!IsStruct(plain) || dwarf_child(&plain, &child)) return false;
  do {
    if (dwarf_tag(&child) == DW_TAG_member) last = DieOf(&child, DW_AT_type);
  } while (dwarf_siblingof(&child, &child) == 0);
  if (!last) return false;
  Dwarf_Die array = Unqualified(*last);
  return dwarf_tag(&array) == DW_TAG_array_type;
}

uint32_t TypeList::Add(Dwarf_Die type) {
  auto [known, fresh] = known_.emplace(dwarf_dieoffset(&type), static_cast<uint32_t>(types_->size()));
  if (!fresh) return known->second;
  const uint32_t id = known->second;
  types_->emplace_back();
  RecordType made;
  Fill(type, &made);
  (*types_)[id] = std::move(made);
  return id;
}

void TypeList::Fill(Dwarf_Die type, RecordType* to) {
  to->name = NameOf(&type);
  to->size = SizeOf(type);
  auto lead = [&](const char* kind) {
    to->kind = kind;
    if (auto next = DieOf(&type, DW_AT_type)) to->type = Add(*next);
  };
  Dwarf_Die child;
  bool has_child = dwarf_child(&type, &child) == 0;
  switch (dwarf_tag(&type)) {
    case DW_TAG_base_type: {
      const auto encoding = NumberOf(&type, DW_AT_encoding).value_or(0);
      to->kind = encoding == DW_ATE_float ? "float" : "int";
      to->is_bool = encoding == DW_ATE_boolean;
      to->is_signed = encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
      return;
    }
    case DW_TAG_pointer_type:
      to->kind = "ptr";  // what it leads to may be all of the kernel
      return;
    case DW_TAG_typedef:
      return lead("typedef");
    case DW_TAG_const_type:
      return lead("const");
    case DW_TAG_volatile_type:
    case DW_TAG_atomic_type:
      return lead("volatile");
    case DW_TAG_restrict_type:
      return lead("restrict");
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
    case DW_TAG_union_type: {
      to->kind = dwarf_tag(&type) == DW_TAG_union_type ? "union" : "struct";
      for (; has_child; has_child = dwarf_siblingof(&child, &child) == 0) {
        auto member = dwarf_tag(&child) == DW_TAG_member ? DieOf(&child, DW_AT_type) : std::nullopt;
        if (!member) continue;
        const auto start = static_cast<uint32_t>(8 * NumberOf(&child, DW_AT_data_member_location).value_or(0));
        const auto bits = static_cast<uint32_t>(NumberOf(&child, DW_AT_bit_size).value_or(0));
        uint32_t first = start + static_cast<uint32_t>(NumberOf(&child, DW_AT_data_bit_offset).value_or(0));
        // Before DWARF 4 a bit field was counted from the high end of the word that it is in.
        if (auto from_top = NumberOf(&child, DW_AT_bit_offset))
          first = start + static_cast<uint32_t>(8 * NumberOf(&child, DW_AT_byte_size).value_or(SizeOf(*member)) -
                                                *from_top - bits);
        to->members.push_back({NameOf(&child), Add(*member), first, bits});
      }
      return;
    }
    case DW_TAG_enumeration_type:
      to->kind = to->size == 8 ? "enum64" : "enum";
      for (; has_child; has_child = dwarf_siblingof(&child, &child) == 0) {
        Dwarf_Attribute attribute;
        Dwarf_Sword value;
        if (!dwarf_attr(&child, DW_AT_const_value, &attribute) || dwarf_formsdata(&attribute, &value)) continue;
        to->labels.push_back({NameOf(&child), value});
        to->is_signed |= value < 0 && dwarf_whatform(&attribute) == DW_FORM_sdata;
      }
      return;
    case DW_TAG_array_type: {
      // The dimensions stand side by side, the outermost first; BTF has an array of arrays.
      std::vector<uint64_t> lengths;
      for (; has_child; has_child = dwarf_siblingof(&child, &child) == 0) {
        if (dwarf_tag(&child) != DW_TAG_subrange_type) continue;
        auto count = NumberOf(&child, DW_AT_count);
        auto last = NumberOf(&child, DW_AT_upper_bound);
        lengths.push_back(count ? *count : last && *last != UINT64_MAX && *last != UINT32_MAX ? *last + 1 : 0);
      }
      lead("array");
      if (lengths.empty()) return;
      for (size_t i = lengths.size() - 1; i > 0; i--) {
        RecordType inner;
        inner.kind = "array";
        inner.type = to->type;
        inner.length = lengths[i];
        to->type = static_cast<uint32_t>(types_->size());
        types_->push_back(inner);
      }
      to->length = lengths[0];
      return;
    }
    default:
      return;
  }
}

}  // namespace bpflab
