// LD_PRELOADed into a process of a test: makes one of the calls to the kernel fail that the addon or libbpf make, as if
// the kernel had refused it. Which one, with which error, stands in a file that both sides have mapped.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

struct control {
  int32_t pid;        // whose calls: children inherit the library
  int32_t countdown;  // the call that makes this zero is refused; 0: none
  int32_t error;      // with this errno
  int32_t calls;      // made so far
  char refused[48];   // the call that was
};

static struct control* control;

__attribute__((constructor)) static void begin(void) {
  const char* path = getenv("BPFLAB_REFUSE");
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void* memory = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (memory != MAP_FAILED) control = memory;
}

static int is_refused(const void* caller, const char* name, long number) {
  if (!control || control->pid != getpid()) return 0;
  Dl_info from;
  if (!dladdr(caller, &from) || !from.dli_fname) return 0;
  if (!strstr(from.dli_fname, "bpflab.node") && !strstr(from.dli_fname, "libbpf.so")) return 0;
  __atomic_add_fetch(&control->calls, 1, __ATOMIC_RELAXED);
  if (control->countdown <= 0 || __atomic_sub_fetch(&control->countdown, 1, __ATOMIC_RELAXED) != 0) return 0;
  snprintf(control->refused, sizeof control->refused, "%s %ld", name, number);
  errno = control->error;
  return 1;
}

#define REFUSED(name, number) is_refused(__builtin_return_address(0), name, (long)(number))

long syscall(long number, ...) {
  static long (*real)(long, ...);
  if (!real) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  va_list list;
  va_start(list, number);
  long a[6];
  for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  if (number == SYS_bpf ? REFUSED("bpf", a[0]) : REFUSED("syscall", number)) return -1;
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

void* mmap64(void* at, size_t length, int protection, int flags, int fd, off_t offset) {
  static void* (*real)(void*, size_t, int, int, int, off_t);
  if (!real) real = (void* (*)(void*, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap64");
  if (fd >= 0 && REFUSED("mmap", fd)) return MAP_FAILED;
  return real(at, length, protection, flags, fd, offset);
}

void* mmap(void* at, size_t length, int protection, int flags, int fd, off_t offset) {
  static void* (*real)(void*, size_t, int, int, int, off_t);
  if (!real) real = (void* (*)(void*, size_t, int, int, int, off_t))dlsym(RTLD_NEXT, "mmap");
  if (fd >= 0 && REFUSED("mmap", fd)) return MAP_FAILED;
  return real(at, length, protection, flags, fd, offset);
}

#define DUPLICATES(name)                                                       \
  int name(int fd, int command, ...) {                                         \
    static int (*real)(int, int, ...);                                         \
    if (!real) real = (int (*)(int, int, ...))dlsym(RTLD_NEXT, #name);         \
    va_list list;                                                              \
    va_start(list, command);                                                   \
    long argument = va_arg(list, long);                                        \
    va_end(list);                                                              \
    if (command == F_DUPFD_CLOEXEC && REFUSED("fcntl", command)) return -1;    \
    return real(fd, command, argument);                                        \
  }
DUPLICATES(fcntl)
DUPLICATES(fcntl64)

int ioctl(int fd, unsigned long request, ...) {
  static int (*real)(int, unsigned long, ...);
  if (!real) real = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
  va_list list;
  va_start(list, request);
  long argument = va_arg(list, long);
  va_end(list);
  if (REFUSED("ioctl", request)) return -1;
  return real(fd, request, argument);
}

int epoll_create1(int flags) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "epoll_create1");
  return REFUSED("epoll_create1", flags) ? -1 : real(flags);
}

int eventfd(unsigned int value, int flags) {
  static int (*real)(unsigned int, int);
  if (!real) real = (int (*)(unsigned int, int))dlsym(RTLD_NEXT, "eventfd");
  return REFUSED("eventfd", flags) ? -1 : real(value, flags);
}

struct epoll_event;
int epoll_ctl(int epoll, int operation, int fd, struct epoll_event* event) {
  static int (*real)(int, int, int, struct epoll_event*);
  if (!real) real = (int (*)(int, int, int, struct epoll_event*))dlsym(RTLD_NEXT, "epoll_ctl");
  return REFUSED("epoll_ctl", operation) ? -1 : real(epoll, operation, fd, event);
}

int socket(int domain, int type, int protocol) {
  static int (*real)(int, int, int);
  if (!real) real = (int (*)(int, int, int))dlsym(RTLD_NEXT, "socket");
  return REFUSED("socket", domain) ? -1 : real(domain, type, protocol);
}

int setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
  static int (*real)(int, int, int, const void*, socklen_t);
  if (!real) real = (int (*)(int, int, int, const void*, socklen_t))dlsym(RTLD_NEXT, "setsockopt");
  return REFUSED("setsockopt", name) ? -1 : real(fd, level, name, value, length);
}

#define OPENS(name)                                                            \
  int name(const char* path, int flags, ...) {                                 \
    static int (*real)(const char*, int, ...);                                 \
    if (!real) real = (int (*)(const char*, int, ...))dlsym(RTLD_NEXT, #name); \
    va_list list;                                                              \
    va_start(list, flags);                                                     \
    mode_t mode = va_arg(list, mode_t);                                        \
    va_end(list);                                                              \
    if (REFUSED("open", flags)) return -1;                                     \
    return real(path, flags, mode);                                            \
  }
OPENS(open)
OPENS(open64)
