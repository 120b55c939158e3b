{
  "variables": { "sanitize%": "" },
  "targets": [
    {
      "target_name": "bpflab",
      "conditions": [
        ["sanitize!=''", {
          "cflags_cc": ["-fsanitize=<(sanitize)", "-fno-omit-frame-pointer", "-g"],
          "cflags_cc!": ["-O3"],
          "ldflags": ["-fsanitize=<(sanitize)"]
        }]
      ],
      "sources": [
        "src/addon.cc",
        "src/attach.cc",
        "src/btf.cc",
        "src/columns.cc",
        "src/debug_info.cc",
        "src/drain.cc",
        "src/drain_binding.cc",
        "src/handle.cc",
        "src/journal.cc",
        "src/kernel.cc",
        "src/link.cc",
        "src/map.cc",
        "src/object.cc",
        "src/perf_buffer.cc",
        "src/plan.cc",
        "src/plan_check.cc",
        "src/program.cc",
        "src/records.cc",
        "src/records_binding.cc",
        "src/ring.cc",
        "src/stream.cc",
        "src/symbols.cc",
        "src/system.cc",
        "src/tc.cc",
        "src/user_ring.cc",
        "src/verifier_log.cc",
        "src/walk.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "cflags": ["<!@(pkg-config --cflags libbpf libdw libelf)"],
      "cflags_cc": ["-std=c++17", "-O3", "-Wall", "-Wextra", "-Wno-missing-field-initializers", "-fvisibility=hidden"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
      "libraries": ["<!@(pkg-config --libs libbpf libdw libelf)"],
      "defines": ["NAPI_VERSION=9", "NODE_ADDON_API_CPP_EXCEPTIONS", "NODE_ADDON_API_CPP_EXCEPTIONS_ALL", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS", "_GNU_SOURCE"]
    }
  ]
}
