// Whether a plan can be followed without reading outside of a record.
#pragma once

#include <string>

#include "columns.h"

namespace bpflab {

// What is wrong with a plan, in words; empty where nothing is.
std::string PlanFault(const Plan& plan);

}  // namespace bpflab
