/*
 * The native oracle: runs small pieces of machine code on the host CPU, thousands a batch, and reports the whole
 * architectural state afterwards. x86-64 Linux, freestanding and static; spoken to by src/oracle/.
 *
 *     oracle fifos DIR     makes the FIFOs DIR/in and DIR/out, and exits
 *     oracle serve DIR     answers requests from DIR/in on DIR/out until end of file
 *
 * A case enters the guest by IRETQ and leaves it by a signal on the alternate stack, so nothing the code does to
 * registers, stack, flags, MXCSR, x87, segments or bases survives it. A seccomp filter turns every system call that
 * does not come from this file's own text into SIGSYS: the guest cannot reach the kernel.
 *
 * Wire format (little endian, everything a multiple of 8 bytes); src/oracle/wire.ts is the other end.
 *
 *     request   u32 kind, u32 count, u64 bytes that follow, u64 tick in milliseconds
 *     answer    u32 bytes that follow, u32 records in them, repeated until `count` records were sent
 *
 *     KIND_RUN    case:   struct record, then `code_length` bytes of code, then `patches` patches
 *                 result: struct record, then `patches` patches (runs of 8-byte words that the code changed)
 *     KIND_CPUID  query:  u32 leaf, u32 subleaf;  result: u32 eax, ebx, ecx, edx
 *     patch       u64 address, u64 length, bytes padded to 8
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef long i64;

/* Every symbol is in this file: references need no table of addresses. */
#pragma GCC visibility push(hidden)

#define PAGE 4096UL
#define ALIGN8(n) (((n) + 7) & ~7UL)

enum { KIND_RUN = 1, KIND_CPUID = 2 };
enum { ENDING_NORMAL, ENDING_FAULT, ENDING_TIMEOUT, ENDING_REFUSED, ENDING_SYSCALL };
/* Exit statuses of this program. */
enum { BAD_USE = 2, NO_FIFO, NO_MEMORY, NO_SECCOMP, NO_XSAVE, BAD_REQUEST, BAD_WRITE, OWN_FAULT };

/* Legacy 512, header 64, upper halves of YMM0-15 256; then at fixed places opmasks 64, upper halves of ZMM0-15 512, ZMM16-31 1024. */
#define XSAVE_BYTES 2432
#define AREA_BYTES 4096 /* of the CPU, which puts the last three where CPUID says */

struct record {
  u32 bytes; /* of the whole record with what follows it */
  u32 ending;
  u32 signal, vector;
  u64 error, cr2;
  u64 code_address; /* case only */
  u32 code_length;  /* case only */
  u32 patches;
  /* 48 */
  u64 gpr[16];
  u64 rip, rflags, fs_base, gs_base;
  u64 selectors; /* result only: CS, GS, FS, SS as the signal frame has them */
  u64 pad;
  /* 224 */
  u8 xsave[XSAVE_BYTES];
};

struct patch {
  u64 address, length;
  u8 bytes[];
};

/* ---- system calls ------------------------------------------------------------------------------------------- */

enum {
  SYS_read = 0, SYS_write = 1, SYS_open = 2, SYS_mmap = 9, SYS_munmap = 11, SYS_rt_sigaction = 13, SYS_dup2 = 33,
  SYS_setitimer = 38, SYS_clock_gettime = 228, SYS_exit_group = 231, SYS_ftruncate = 77, SYS_sigaltstack = 131, SYS_mknod = 133,
  SYS_prctl = 157, SYS_arch_prctl = 158, SYS_fcntl = 72, SYS_seccomp = 317, SYS_memfd_create = 319,
};

static i64 call(u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f) {
  i64 result;
  register u64 r10 asm("r10") = d;
  register u64 r8 asm("r8") = e;
  register u64 r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

__attribute__((noreturn)) static void quit(int status) {
  call(SYS_exit_group, (u64)status, 0, 0, 0, 0, 0);
  __builtin_unreachable();
}

void *memcpy(void *to, const void *from, u64 n) {
  void *start = to;
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
  return start;
}

void *memset(void *to, int value, u64 n) {
  void *start = to;
  asm volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
  return start;
}

/* ---- the guest's memory ------------------------------------------------------------------------------------- */

enum { PROT_R = 1, PROT_W = 2, PROT_X = 4 };
enum { MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_ANONYMOUS = 0x20, MAP_POPULATE = 0x8000, MAP_NOREPLACE = 0x100000 };

/* Pages at a fixed address of which the guest sees what `protection` grants; the pages around each stay unmapped. */
struct region {
  u64 base, size;
  int protection;
  u8 background;
  u8 *live;  /* the same pages, writable, where this program put them */
  u8 *image; /* what the guest found there; only where it may write */
};

#define LARGEST (2 * PAGE)
static u8 data_image[LARGEST], code_image[LARGEST];

static struct region regions[] = {
    {0x10000000, 2 * PAGE, PROT_R | PROT_W, 0, 0, data_image},
    {0x10003000, 1 * PAGE, PROT_R, 0, 0, 0},
    {0x20000000, 2 * PAGE, PROT_R | PROT_X, 0xcc, 0, 0},
    {0x30000000, 2 * PAGE, PROT_R | PROT_W | PROT_X, 0xcc, 0, code_image},
};
#define REGIONS (sizeof regions / sizeof *regions)

/* The same pages once more, readable and writable, at another address. */
static const struct { u64 base, of; } aliases[] = {{0x10010000, 0}, {0x30010000, 3}};

static u8 *map(u64 at, u64 size, int protection, int flags, int fd, u64 offset) {
  i64 got = call(SYS_mmap, at, size, (u64)protection, (u64)flags, (u64)(i64)fd, offset);
  if (got < 0 && got > -4096) quit(NO_MEMORY);
  if (at && (u64)got != at) quit(NO_MEMORY);
  return (u8 *)got;
}

static void map_regions(void) {
  i64 fd = call(SYS_memfd_create, (u64) "guest", 0, 0, 0, 0, 0);
  if (fd < 0) quit(NO_MEMORY);
  if (call(SYS_ftruncate, (u64)fd, REGIONS * LARGEST, 0, 0, 0, 0) < 0) quit(NO_MEMORY);
  for (u64 i = 0; i < REGIONS; i++) {
    struct region *r = &regions[i];
    u64 offset = i * LARGEST;
    r->live = map(0, r->size, PROT_R | PROT_W, MAP_SHARED | MAP_POPULATE, (int)fd, offset);
    memset(r->live, r->background, r->size);
    if (r->image) memset(r->image, r->background, r->size);
    map(r->base, r->size, r->protection, MAP_SHARED | MAP_POPULATE | MAP_NOREPLACE, (int)fd, offset);
  }
  for (u64 i = 0; i < sizeof aliases / sizeof *aliases; i++)
    map(aliases[i].base, regions[aliases[i].of].size, PROT_R | PROT_W, MAP_SHARED | MAP_POPULATE | MAP_NOREPLACE, (int)fd,
        aliases[i].of * LARGEST);
}

static struct region *region_of(u64 address, u64 length) {
  for (u64 i = 0; i < REGIONS; i++) {
    struct region *r = &regions[i];
    if (address >= r->base && length <= r->size && address - r->base <= r->size - length) return r;
  }
  return 0;
}

static void put(struct region *r, u64 address, const u8 *bytes, u64 length) {
  u64 at = address - r->base;
  memcpy(r->live + at, bytes, length);
  if (r->image) memcpy(r->image + at, bytes, length);
}

static void clear(struct region *r, u64 address, u64 length) {
  u64 at = address - r->base;
  memset(r->live + at, r->background, length);
  if (r->image) memset(r->image + at, r->background, length);
}

/* ---- entering and leaving the guest --------------------------------------------------------------------------- */

/* What `enter` loads; the offsets are used by the assembly below. */
static struct {
  u64 gpr[16];                           /* 0 */
  u64 rip, cs, rflags, rsp, ss;          /* 128: an IRETQ frame */
  u64 fs_base, gs_base;                  /* 168, 176 */
  u64 fsgsbase;                          /* 184: the kernel lets user code use WRFSBASE and its kin */
  u64 own_rsp;                           /* 192 */
} guest __attribute__((aligned(64), used));
static u8 entry_xsave[AREA_BYTES] __attribute__((aligned(64), used));

void enter(void); /* returns when the case has ended */
void leave(void) __attribute__((noreturn));
void on_signal(void);
void restorer(void);

asm(".text\n"
    ".globl enter, leave, on_signal, restorer, _start\n"
    "enter:\n"
    "  push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "  lea guest(%rip), %r15\n"
    "  mov %rsp, 192(%r15)\n"
    "  mov $-1, %eax; mov $-1, %edx\n"
    "  xrstor64 entry_xsave(%rip)\n"
    "  cmpq $0, 184(%r15)\n"
    "  je 1f\n"
    "  mov 168(%r15), %rax; wrfsbase %rax\n"
    "  mov 176(%r15), %rax; wrgsbase %rax\n"
    "1: lea 128(%r15), %rsp\n"
    "  mov 0(%r15), %rax;   mov 8(%r15), %rcx;   mov 16(%r15), %rdx;  mov 24(%r15), %rbx\n"
    "  mov 40(%r15), %rbp;  mov 48(%r15), %rsi;  mov 56(%r15), %rdi;  mov 64(%r15), %r8\n"
    "  mov 72(%r15), %r9;   mov 80(%r15), %r10;  mov 88(%r15), %r11;  mov 96(%r15), %r12\n"
    "  mov 104(%r15), %r13; mov 112(%r15), %r14; mov 120(%r15), %r15\n"
    "  iretq\n"
    "leave:\n"
    "  mov guest+192(%rip), %rsp\n"
    "  push $2; popfq\n" /* an NT left behind would make the next IRETQ fault */
    "  pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "  ret\n"
    /* The kernel clears DF, RF and TF on the way here, and resets x87 and MXCSR, but leaves AC. */
    "on_signal:\n"
    "  pushfq; andq $~0x40000, (%rsp); popfq\n"
    "  jmp trapped\n"
    "restorer:\n"
    "  mov $15, %eax\n" /* SYS_rt_sigreturn */
    "  syscall\n"
    "_start:\n"
    "  mov %rsp, %rdi\n"
    "  and $-16, %rsp\n"
    "  call start\n");

extern u8 __executable_start[], etext[];

enum { SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGFPE = 8, SIGSEGV = 11, SIGALRM = 14, SIGSYS = 31 };
enum { VECTOR_BP = 3 };

/* Linux's struct ucontext up to the fpstate pointer. */
struct ucontext {
  u64 flags, link, stack[3];
  u64 r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
  u64 selectors, error, vector, mask, cr2;
  u8 *fpstate;
};

static struct record *result;
static u64 end_address;
static u64 serial, ticked; /* the case that runs, and the one that ran at the last tick */
static u64 ticked_at;      /* CPU time then */
static u64 tick;           /* milliseconds of CPU time that a case has from its first tick on */
static int entering;

static u64 read_base(u64 arch_prctl_code) {
  u64 value = 0;
  call(SYS_arch_prctl, arch_prctl_code, (u64)&value, 0, 0, 0, 0);
  return value;
}
enum { ARCH_SET_GS = 0x1001, ARCH_SET_FS, ARCH_GET_FS, ARCH_GET_GS };

static void read_bases(struct record *r) {
  if (guest.fsgsbase) {
    asm volatile("rdfsbase %0" : "=r"(r->fs_base));
    asm volatile("rdgsbase %0" : "=r"(r->gs_base));
  } else {
    r->fs_base = read_base(ARCH_GET_FS);
    r->gs_base = read_base(ARCH_GET_GS);
  }
}

enum { FX_MXCSR = 24, FX_XMM = 160, FX_XMM_END = 416, FX_MAGIC1 = 464, XSTATE_BV = 512, YMM_HIGH = 576 };
#define FP_XSTATE_MAGIC1 0x46505853

/* State components 5, 6, 7: in a record, and in an area of this CPU. */
static struct { u32 record, size, area; } avx512[3] = {{832, 64, 0}, {896, 512, 0}, {1408, 1024, 0}};
static u64 xcr0, xstate_mask; /* what the kernel enabled, and which of it a case sets */

/* The legacy image always; the upper halves of YMM when the frame has them in use. */
static void read_vectors(struct record *r, const u8 *fpstate) {
  memcpy(r->xsave, fpstate, 512);
  memset(r->xsave + FX_XMM_END, 0, XSAVE_BYTES - FX_XMM_END);
  if (*(const u32 *)(fpstate + FX_MAGIC1) != FP_XSTATE_MAGIC1) return;
  u64 in_use = *(const u64 *)(fpstate + XSTATE_BV);
  *(u64 *)(r->xsave + XSTATE_BV) = in_use;
  if (in_use & 4) memcpy(r->xsave + YMM_HIGH, fpstate + YMM_HIGH, 256);
  for (u64 i = 0; i < 3; i++)
    if (in_use & xstate_mask & 0x20UL << i) memcpy(r->xsave + avx512[i].record, fpstate + avx512[i].area, avx512[i].size);
}

/* Nanoseconds. */
static u64 cpu_time(void) {
  enum { CLOCK_PROCESS_CPUTIME_ID = 2 };
  u64 time[2];
  call(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, (u64)time, 0, 0, 0, 0);
  return time[0] * 1000000000 + time[1];
}

__attribute__((used)) void trapped(int signal, void *info, struct ucontext *uc) {
  (void)info;
  int in_guest = uc->rip < (u64)__executable_start || uc->rip >= (u64)etext;
  struct record *r = result;
  if (signal == SIGALRM) {
    if (!in_guest) return;
    if (ticked != serial) {
      ticked = serial;
      ticked_at = cpu_time();
      return;
    }
    if (cpu_time() - ticked_at < tick * 1000000) return;
    r->ending = ENDING_TIMEOUT;
  } else if (!in_guest) {
    if (!entering) quit(OWN_FAULT);
    r->ending = ENDING_REFUSED; /* XRSTOR or IRETQ would not take the case's state */
    leave();
  } else if (signal == SIGSYS) {
    r->ending = ENDING_SYSCALL;
  } else if (signal == SIGTRAP && uc->vector == VECTOR_BP && uc->rip == end_address + 1) {
    r->ending = ENDING_NORMAL;
    uc->rip--;
  } else {
    r->ending = ENDING_FAULT;
  }
  r->signal = (u32)signal;
  r->vector = (u32)uc->vector;
  r->error = uc->error;
  r->cr2 = uc->cr2;
  r->gpr[0] = uc->rax;
  r->gpr[1] = uc->rcx;
  r->gpr[2] = uc->rdx;
  r->gpr[3] = uc->rbx;
  r->gpr[4] = uc->rsp;
  r->gpr[5] = uc->rbp;
  r->gpr[6] = uc->rsi;
  r->gpr[7] = uc->rdi;
  memcpy(r->gpr + 8, &uc->r8, 64);
  r->rip = uc->rip;
  r->rflags = uc->rflags;
  r->selectors = uc->selectors;
  read_bases(r);
  read_vectors(r, uc->fpstate);
  leave();
}

static u8 signal_stack[0x10000] __attribute__((aligned(64)));

static void catch_signals(void) {
  struct { void *base; u64 flags, size; } stack = {signal_stack, 0, sizeof signal_stack};
  call(SYS_sigaltstack, (u64)&stack, 0, 0, 0, 0, 0);
  enum { SA_SIGINFO = 4, SA_RESTORER = 0x04000000, SA_ONSTACK = 0x08000000, SA_RESTART = 0x10000000, SA_NODEFER = 0x40000000 };
  struct { void (*handler)(void); u64 flags; void (*restorer)(void); u64 mask; } action = {
      on_signal, SA_SIGINFO | SA_RESTORER | SA_ONSTACK | SA_RESTART | SA_NODEFER, restorer, 0};
  static const u8 caught[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGALRM, SIGSYS};
  for (u64 i = 0; i < sizeof caught; i++) call(SYS_rt_sigaction, caught[i], (u64)&action, 0, 8, 0, 0);
}

/* Only this file's text may call the kernel, whatever the call; anything else gets SIGSYS. */
static void confine(void) {
  struct filter { u16 code; u8 yes, no; u32 k; };
  enum { LOAD = 0x20, EQUAL = 0x15, AT_LEAST = 0x35, RETURN = 0x06 };
  enum { ARCH = 4, IP_LOW = 8, IP_HIGH = 12 };
  const u32 x86_64 = 0xc000003e, allow = 0x7fff0000, trap = 0x00030000;
  u64 from = (u64)__executable_start, to = (u64)etext;
  struct filter program[] = {
      {LOAD, 0, 0, ARCH},         {EQUAL, 0, 6, x86_64},
      {LOAD, 0, 0, IP_HIGH},      {EQUAL, 0, 4, (u32)(from >> 32)},
      {LOAD, 0, 0, IP_LOW},       {AT_LEAST, 0, 2, (u32)from},
      {AT_LEAST, 1, 0, (u32)to},  {RETURN, 0, 0, allow},
      {RETURN, 0, 0, trap},
  };
  struct { u16 length; struct filter *program; } all = {sizeof program / sizeof *program, program};
  enum { PR_SET_NO_NEW_PRIVS = 38, SET_MODE_FILTER = 1, SPEC_ALLOW = 4 };
  if (call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0) < 0) quit(NO_SECCOMP);
  if (call(SYS_seccomp, SET_MODE_FILTER, SPEC_ALLOW, (u64)&all, 0, 0, 0) < 0 &&
      call(SYS_seccomp, SET_MODE_FILTER, 0, (u64)&all, 0, 0, 0) < 0)
    quit(NO_SECCOMP);
}

/* A timer of CPU time would only look at the kernel's own ticks, which are far apart; this one is exact, and the handler asks for CPU time. */
static void set_timer(u64 milliseconds) {
  enum { ITIMER_REAL = 0 };
  u64 seconds = milliseconds / 1000, micro = milliseconds % 1000 * 1000;
  u64 timer[4] = {seconds, micro, seconds, micro};
  call(SYS_setitimer, ITIMER_REAL, (u64)timer, 0, 0, 0, 0);
}

/* ---- requests ----------------------------------------------------------------------------------------------- */

#define OUT_BYTES (4UL << 20)
#define OUT_MARGIN 0x10000UL /* more than the largest result */
enum { FD_IN = 0, FD_OUT = 1 };

static u8 *out;
static u64 out_used;
static u32 out_records;

static void write_all(const u8 *bytes, u64 n) {
  while (n) {
    i64 done = call(SYS_write, FD_OUT, (u64)bytes, n, 0, 0, 0);
    if (done <= 0) quit(BAD_WRITE);
    bytes += done;
    n -= (u64)done;
  }
}

/* The first 8 bytes of `out` are the answer's header. */
static void flush(void) {
  if (!out_records) return;
  ((u32 *)out)[0] = (u32)(out_used - 8);
  ((u32 *)out)[1] = out_records;
  write_all(out, out_used);
  out_used = 8;
  out_records = 0;
}

/* False at end of file before the first byte. */
static int read_all(u8 *bytes, u64 n) {
  u64 have = 0;
  while (have < n) {
    i64 got = call(SYS_read, FD_IN, (u64)(bytes + have), n - have, 0, 0, 0);
    if (got == 0 && have == 0) return 0;
    if (got <= 0) quit(BAD_REQUEST);
    have += (u64)got;
  }
  return 1;
}

static u8 *emit_run(u8 *to, struct region *r, u64 from, u64 end) {
  struct patch *p = (struct patch *)to;
  p->address = r->base + from;
  p->length = end - from;
  memcpy(p->bytes, r->live + from, end - from);
  return p->bytes + (end - from);
}

/* Appends what the code changed in `r`, by words, and puts the background back. */
static u8 *emit_changes(u8 *to, struct region *r, u32 *count) {
  const u64 block = 64;
  for (u64 at = 0; at < r->size; at += block) {
    u64 *live = (u64 *)(r->live + at), *image = (u64 *)(r->image + at), different = 0;
    for (u64 i = 0; i < block / 8; i++) different |= live[i] ^ image[i];
    if (!different) continue;
    for (u64 i = 0; i < block / 8; i++) {
      if (live[i] == image[i]) continue;
      u64 end = i + 1;
      while (end < block / 8 && live[end] != image[end]) end++;
      to = emit_run(to, r, at + 8 * i, at + 8 * end);
      clear(r, r->base + at + 8 * i, 8 * (end - i));
      (*count)++;
      i = end;
    }
  }
  return to;
}

static int place(const struct record *c) {
  const u8 *at = (const u8 *)(c + 1);
  struct region *r = region_of(c->code_address, c->code_length);
  if (!r) return 0;
  put(r, c->code_address, at, c->code_length);
  at += ALIGN8(c->code_length);
  for (u32 i = 0; i < c->patches; i++) {
    const struct patch *p = (const struct patch *)at;
    r = region_of(p->address, p->length);
    if (!r) return 0;
    put(r, p->address, p->bytes, p->length);
    at = p->bytes + ALIGN8(p->length);
  }
  return 1;
}

static void unplace(const struct record *c) {
  const u8 *at = (const u8 *)(c + 1);
  struct region *r = region_of(c->code_address, c->code_length);
  if (r) clear(r, c->code_address, c->code_length);
  at += ALIGN8(c->code_length);
  for (u32 i = 0; i < c->patches; i++) {
    const struct patch *p = (const struct patch *)at;
    r = region_of(p->address, p->length);
    if (r) clear(r, p->address, p->length);
    at = p->bytes + ALIGN8(p->length);
  }
}

static void set_bases(const struct record *c) {
  asm volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs; mov %0, %%gs" : : "r"(0));
  guest.fs_base = c->fs_base;
  guest.gs_base = c->gs_base;
  if (guest.fsgsbase) return;
  call(SYS_arch_prctl, ARCH_SET_FS, c->fs_base, 0, 0, 0, 0);
  call(SYS_arch_prctl, ARCH_SET_GS, c->gs_base, 0, 0, 0, 0);
}

enum { USER_CS = 0x33, USER_SS = 0x2b };

static void run_case(const struct record *c) {
  if (out_used > OUT_BYTES - OUT_MARGIN) flush();
  struct record *r = (struct record *)(out + out_used);
  memset(r, 0, sizeof *r);
  r->ending = ENDING_REFUSED;
  u8 *end = (u8 *)(r + 1);
  if (place(c)) {
    memcpy(guest.gpr, c->gpr, sizeof guest.gpr);
    guest.rip = c->rip;
    guest.cs = USER_CS;
    guest.rflags = c->rflags;
    guest.rsp = c->gpr[4];
    guest.ss = USER_SS;
    memcpy(entry_xsave, c->xsave, YMM_HIGH + 256);
    for (u64 i = 0; i < 3; i++)
      if (avx512[i].area) memcpy(entry_xsave + avx512[i].area, c->xsave + avx512[i].record, avx512[i].size);
    u64 *header = (u64 *)(entry_xsave + XSTATE_BV);
    memset(header, 0, 64);
    header[0] = xstate_mask;
    set_bases(c);
    result = r;
    end_address = c->code_address + c->code_length;
    serial++;
    entering = 1;
    enter();
    entering = 0;
    for (u64 i = 0; i < REGIONS; i++)
      if (regions[i].image) end = emit_changes(end, &regions[i], &r->patches);
  }
  unplace(c);
  r->bytes = (u32)(end - (u8 *)r);
  out_used += r->bytes;
  out_records++;
}

static void cpuid(const u32 *query) {
  if (out_used > OUT_BYTES - OUT_MARGIN) flush();
  u32 *to = (u32 *)(out + out_used);
  asm volatile("cpuid" : "=a"(to[0]), "=b"(to[1]), "=c"(to[2]), "=d"(to[3]) : "a"(query[0]), "c"(query[1]));
  out_used += 16;
  out_records++;
}

static void serve(void) {
  struct { u32 kind, count; u64 bytes, tick; } request;
  u8 *in = 0;
  u64 capacity = 0;
  while (read_all((u8 *)&request, sizeof request)) {
    if (request.bytes > capacity) {
      if (in) call(SYS_munmap, (u64)in, capacity, 0, 0, 0, 0);
      capacity = (request.bytes + 0xfffff) & ~0xfffffUL;
      in = map(0, capacity, PROT_R | PROT_W, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    if (request.bytes && !read_all(in, request.bytes)) quit(BAD_REQUEST);
    set_timer(tick = request.tick);
    const u8 *at = in;
    for (u32 i = 0; i < request.count; i++) {
      if (request.kind == KIND_CPUID) {
        cpuid((const u32 *)at);
        at += 8;
      } else if (request.kind == KIND_RUN) {
        run_case((const struct record *)at);
        at += ((const struct record *)at)->bytes;
      } else {
        quit(BAD_REQUEST);
      }
    }
    set_timer(0);
    flush();
  }
}

static char path[4096];

static const char *join(const char *folder, const char *name) {
  u64 n = 0;
  while (*folder && n < sizeof path - 8) path[n++] = *folder++;
  path[n++] = '/';
  while (*name) path[n++] = *name++;
  path[n] = 0;
  return path;
}

static void open_as(const char *file, u64 flags, u64 want) {
  i64 fd = call(SYS_open, (u64)file, flags, 0, 0, 0, 0);
  if (fd < 0) quit(NO_FIFO);
  if ((u64)fd != want) {
    if (call(SYS_dup2, (u64)fd, want, 0, 0, 0, 0) < 0) quit(NO_FIFO);
  }
}

/* Asks for OSXSAVE (CPUID.1:ECX bit 27); XCR0 decides about YMM. */
static void examine_cpu(const u64 *auxv) {
  enum { AT_HWCAP2 = 26, HWCAP2_FSGSBASE = 2 };
  for (; auxv[0]; auxv += 2)
    if (auxv[0] == AT_HWCAP2) guest.fsgsbase = auxv[1] & HWCAP2_FSGSBASE;
  u32 a = 1, b, c = 0, d;
  asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  if (!(c & 1u << 27)) quit(NO_XSAVE);
  asm volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
  xcr0 = a | (u64)d << 32;
  xstate_mask = xcr0 & 7;
  if ((xcr0 & 0xe0) != 0xe0) return;
  for (u32 i = 0; i < 3; i++) {
    a = 0x0d, c = 5 + i;
    asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if (b + avx512[i].size > AREA_BYTES) return;
    avx512[i].area = b;
  }
  xstate_mask = xcr0 & 0xe7;
}

__attribute__((used, noreturn)) void start(u64 *stack) {
  u64 argc = stack[0];
  const char **argv = (const char **)(stack + 1);
  u64 *auxv = stack + argc + 2;
  while (*auxv++) {
  }
  if (argc != 3) quit(BAD_USE);
  const char *folder = argv[2];
  if (argv[1][0] == 'f') {
    const u64 fifo = 0010600;
    if (call(SYS_mknod, (u64)join(folder, "in"), fifo, 0, 0, 0, 0) < 0) quit(NO_FIFO);
    if (call(SYS_mknod, (u64)join(folder, "out"), fifo, 0, 0, 0, 0) < 0) quit(NO_FIFO);
    quit(0);
  }
  enum { O_RDONLY = 0, O_WRONLY = 1, F_SETPIPE_SZ = 1031 };
  open_as(join(folder, "in"), O_RDONLY, FD_IN);
  open_as(join(folder, "out"), O_WRONLY, FD_OUT);
  call(SYS_fcntl, FD_IN, F_SETPIPE_SZ, 1 << 20, 0, 0, 0);
  call(SYS_fcntl, FD_OUT, F_SETPIPE_SZ, 1 << 20, 0, 0, 0);
  examine_cpu(auxv);
  map_regions();
  out = map(0, OUT_BYTES, PROT_R | PROT_W, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  out_used = 8;
  catch_signals();
  confine();
  write_all((const u8 *)&xcr0, sizeof xcr0); /* the greeting: ready */
  serve();
  quit(0);
}
