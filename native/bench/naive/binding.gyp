{
  "targets": [
    {
      "target_name": "naive",
      "sources": ["naive.c"],
      "include_dirs": [".."],
      "cflags": ["-O2", "-Wall", "-Wextra", "<!@(pkg-config --cflags libbpf)"],
      "libraries": ["<!@(pkg-config --libs libbpf)"],
      "defines": ["NAPI_VERSION=9"]
    }
  ]
}
