/* Runs a static x86-64 Linux program under Unicorn 2, with the few system calls that the benchmarks make, so that it prints
   what it prints natively: run PROGRAM [ARGS...]. Ends with the program's status; 125 and a line where that is not possible.
   Without arguments: prints Unicorn's version. */
#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unicorn/unicorn.h>
#include <unistd.h>

#define PAGE 4096ull
#define STACK_TOP 0x7ffffffff000ull
#define STACK_SIZE (8ull << 20)
#define HEAP_SIZE (256ull << 20)
#define MMAP_BASE 0x7f0000000000ull
/* No code runs there, so Unicorn never stops by itself. */
#define NOWHERE 0xfffffffffffff000ull
#define FAILED 125
/* Nothing that is written to may be executable: Unicorn looks for changed code at every store there, and is ten times slower. */
#define DATA (UC_PROT_READ | UC_PROT_WRITE)
#define CODE (UC_PROT_READ | UC_PROT_EXEC)

/* AT_RANDOM; a fixed one keeps runs equal. */
static const uint8_t seed_bytes[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static uint64_t heap_start, heap_end, next_map = MMAP_BASE;
static int status = FAILED;

static void fail(const char *what, const char *why) {
  fprintf(stderr, "unicorn: %s: %s\n", what, why);
  exit(FAILED);
}

static void check(const char *what, uc_err error) {
  if (error != UC_ERR_OK) fail(what, uc_strerror(error));
}

static uint64_t page_up(uint64_t value) { return (value + PAGE - 1) & ~(PAGE - 1); }

static uint64_t get(uc_engine *uc, int reg) {
  uint64_t value = 0;
  check("register", uc_reg_read(uc, reg, &value));
  return value;
}

static void set(uc_engine *uc, int reg, uint64_t value) { check("register", uc_reg_write(uc, reg, &value)); }

static void copy_in(uc_engine *uc, uint64_t address, const void *from, size_t size) {
  check("memory", uc_mem_write(uc, address, from, size));
}

/* write(2) of guest memory to the same descriptor here. */
static int64_t write_out(uc_engine *uc, int fd, uint64_t address, uint64_t size) {
  uint8_t *bytes = malloc(size ? size : 1);
  if (uc_mem_read(uc, address, bytes, size) != UC_ERR_OK) {
    free(bytes);
    return -EFAULT;
  }
  ssize_t done = write(fd, bytes, size);
  free(bytes);
  return done < 0 ? -errno : done;
}

static int64_t map(uc_engine *uc, uint64_t size) {
  uint64_t at = next_map;
  size = page_up(size);
  if (uc_mem_map(uc, at, size, DATA) != UC_ERR_OK) return -ENOMEM;
  next_map += size;
  return (int64_t)at;
}

static int64_t call(uc_engine *uc, uint64_t number, const uint64_t a[6]) {
  switch (number) {
    case SYS_write:
      return write_out(uc, (int)a[0], a[1], a[2]);
    case SYS_writev: {
      int64_t sum = 0;
      for (uint64_t i = 0; i < a[2]; i++) {
        uint64_t part[2];
        if (uc_mem_read(uc, a[1] + i * sizeof part, part, sizeof part) != UC_ERR_OK) return -EFAULT;
        int64_t done = write_out(uc, (int)a[0], part[0], part[1]);
        if (done < 0) return sum ? sum : done;
        sum += done;
      }
      return sum;
    }
    case SYS_exit:
    case SYS_exit_group:
      status = (int)(a[0] & 0xff);
      uc_emu_stop(uc);
      return 0;
    case SYS_brk:
      if (a[0] >= heap_start && a[0] <= heap_start + HEAP_SIZE) heap_end = a[0];
      return (int64_t)heap_end;
    case SYS_mmap:
      return (int)a[4] == -1 ? map(uc, a[1]) : -ENODEV;
    case SYS_arch_prctl:
      if (a[0] != 0x1002 /* ARCH_SET_FS */) return -EINVAL;
      set(uc, UC_X86_REG_FS_BASE, a[1]);
      return 0;
    case SYS_uname: {
      /* Six fields of 65 bytes: sysname, nodename, release, version, machine, domainname. */
      char fields[6][65] = {"Linux", "host", "6.1.0", "#1", "x86_64", "(none)"};
      copy_in(uc, a[0], fields, sizeof fields);
      return 0;
    }
    case SYS_getrandom: {
      for (uint64_t i = 0; i < a[1]; i++) copy_in(uc, a[0] + i, &seed_bytes[i % sizeof seed_bytes], 1);
      return (int64_t)a[1];
    }
    case SYS_set_tid_address:
      return 1000;
    case SYS_munmap:
    case SYS_mprotect:
    case SYS_set_robust_list:
    case SYS_rt_sigaction:
    case SYS_rt_sigprocmask:
      return 0;
    case SYS_ioctl:
      return -ENOTTY;
    case SYS_newfstatat:
    case SYS_fstat: {
      /* A pipe: full buffering, as the measured runs write into one. */
      uint8_t stat[144] = {0};
      uint32_t mode = 0010600;
      memcpy(stat + 24, &mode, sizeof mode);
      copy_in(uc, number == SYS_fstat ? a[1] : a[2], stat, sizeof stat);
      return 0;
    }
    case SYS_readlink:
    case SYS_readlinkat:
      return -ENOENT;
    case SYS_prlimit64:
    case SYS_rseq:
      return -ENOSYS;
    default:
      fprintf(stderr, "unicorn: system call %llu is not served\n", (unsigned long long)number);
      return -ENOSYS;
  }
}

static void on_syscall(uc_engine *uc, void *data) {
  (void)data;
  uint64_t a[6] = {get(uc, UC_X86_REG_RDI), get(uc, UC_X86_REG_RSI), get(uc, UC_X86_REG_RDX),
                   get(uc, UC_X86_REG_R10), get(uc, UC_X86_REG_R8),  get(uc, UC_X86_REG_R9)};
  set(uc, UC_X86_REG_RAX, (uint64_t)call(uc, get(uc, UC_X86_REG_RAX), a));
}

static uint8_t *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file) fail(path, strerror(errno));
  fseek(file, 0, SEEK_END);
  *size = (size_t)ftell(file);
  rewind(file);
  uint8_t *bytes = malloc(*size);
  if (!bytes || fread(bytes, 1, *size, file) != *size) fail(path, "cannot be read");
  fclose(file);
  return bytes;
}

/* Maps the segments; returns the address of the program headers in the guest. */
static uint64_t load(uc_engine *uc, const uint8_t *file, const Elf64_Ehdr *header) {
  const Elf64_Phdr *program = (const void *)(file + header->e_phoff);
  uint64_t low = UINT64_MAX, high = 0, headers = 0;
  for (int i = 0; i < header->e_phnum; i++) {
    const Elf64_Phdr *p = &program[i];
    if (p->p_type != PT_LOAD) continue;
    if (p->p_vaddr < low) low = p->p_vaddr & ~(PAGE - 1);
    if (p->p_vaddr + p->p_memsz > high) high = p->p_vaddr + p->p_memsz;
    if (p->p_offset <= header->e_phoff && header->e_phoff < p->p_offset + p->p_filesz)
      headers = p->p_vaddr + header->e_phoff - p->p_offset;
  }
  heap_start = heap_end = page_up(high);
  check("segments", uc_mem_map(uc, low, heap_start - low + HEAP_SIZE, DATA));
  for (int i = 0; i < header->e_phnum; i++) {
    const Elf64_Phdr *p = &program[i];
    if (p->p_type != PT_LOAD) continue;
    copy_in(uc, p->p_vaddr, file + p->p_offset, p->p_filesz);
    uint64_t start = p->p_vaddr & ~(PAGE - 1);
    if (p->p_flags & PF_X) check("segments", uc_mem_protect(uc, start, page_up(p->p_vaddr + p->p_memsz) - start, CODE));
  }
  return headers;
}

/* argc, argv, environment and auxiliary vector as Linux lays them out (System V ABI 3.4.1). */
static uint64_t build_stack(uc_engine *uc, int argc, char **argv, const Elf64_Ehdr *header, uint64_t headers) {
  check("stack", uc_mem_map(uc, STACK_TOP - STACK_SIZE, STACK_SIZE, DATA));
  uint64_t at = STACK_TOP - 16, words[256];
  size_t n = 0;
  if (argc > 200) fail("arguments", "too many");
  at -= sizeof seed_bytes;
  copy_in(uc, at, seed_bytes, sizeof seed_bytes);
  uint64_t random = at;
  words[n++] = (uint64_t)argc;
  for (int i = 0; i < argc; i++) {
    size_t length = strlen(argv[i]) + 1;
    at -= length;
    copy_in(uc, at, argv[i], length);
    words[n++] = at;
  }
  const uint64_t rest[] = {0,        0,          AT_PHDR,   headers, AT_PHENT, sizeof(Elf64_Phdr), AT_PHNUM, header->e_phnum,
                           AT_PAGESZ, PAGE,      AT_ENTRY,  header->e_entry, AT_UID, 0, AT_EUID, 0, AT_GID, 0, AT_EGID, 0,
                           AT_SECURE, 0,         AT_RANDOM, random,  AT_CLKTCK, 100, AT_NULL, 0};
  memcpy(words + n, rest, sizeof rest);
  n += sizeof rest / sizeof *rest;
  at = (at - n * sizeof *words) & ~15ull;
  copy_in(uc, at, words, n * sizeof *words);
  return at;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    unsigned major, minor;
    uc_version(&major, &minor);
    printf("Unicorn %u.%u.%u\n", major, minor, (unsigned)UC_API_PATCH);
    return 0;
  }
  size_t size;
  uint8_t *file = read_file(argv[1], &size);
  const Elf64_Ehdr *header = (const void *)file;
  if (size < sizeof *header || memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_type != ET_EXEC || header->e_machine != EM_X86_64)
    fail(argv[1], "is not a static x86-64 program at a fixed address");
  uc_engine *uc;
  check("open", uc_open(UC_ARCH_X86, UC_MODE_64, &uc));
  uint64_t headers = load(uc, file, header);
  set(uc, UC_X86_REG_RSP, build_stack(uc, argc - 1, argv + 1, header, headers));
  /* As Linux starts a program; Unicorn's own values round otherwise. */
  set(uc, UC_X86_REG_FPCW, 0x37f);
  set(uc, UC_X86_REG_MXCSR, 0x1f80);
  uc_hook hook;
  check("hook", uc_hook_add(uc, &hook, UC_HOOK_INSN, on_syscall, NULL, 1, 0, UC_X86_INS_SYSCALL));
  uc_err error = uc_emu_start(uc, header->e_entry, NOWHERE, 0, 0);
  if (error != UC_ERR_OK) {
    fprintf(stderr, "unicorn: at 0x%llx: %s\n", (unsigned long long)get(uc, UC_X86_REG_RIP), uc_strerror(error));
    return FAILED;
  }
  return status;
}
