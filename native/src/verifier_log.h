#pragma once

#include <bpf/libbpf.h>

#include <string>
#include <vector>

namespace bpflab {

// Where the verifier writes why it rejects a program. libbpf would begin with a buffer of 16 MiB and verify the program
// once more for each doubling that the log still does not fit in: ten seconds and hundreds of megabytes for a loop
// without an end. Since Linux 6.4 a log that is too long loses its beginning and keeps its end, which has the reason.
class VerifierLog {
 public:
  // To be made before the object's load, and to outlive it.
  explicit VerifierLog(bpf_object* object);

  // What libbpf printed, with the log behind it in the form in which libbpf prints those in buffers of its own.
  std::string BehindOutput(const std::string& output) const;

 private:
  std::vector<char> buffer_;
};

}  // namespace bpflab
