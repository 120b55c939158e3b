// The addon: libbpf's calls under libbpf's names, and the drain thread. No policy lives here.
#include "handle.h"

namespace bpflab {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  InstallReaper(env);
  InitAttach(env, exports);
  InitBtf(env, exports);
  InitDrain(env, exports);
  InitKernel(env, exports);
  InitLink(env, exports);
  InitMap(env, exports);
  InitObject(env, exports);
  InitProgram(env, exports);
  InitRecords(env, exports);
  InitSystem(env, exports);
  InitSymbols(env, exports);
  InitTc(env, exports);
  InitUserRing(env, exports);
  return exports;
}

NODE_API_MODULE(bpflab, Init)

}  // namespace bpflab
