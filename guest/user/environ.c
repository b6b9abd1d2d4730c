/* What a program is started with: argv, environment, the auxiliary vector, and the stack's alignment. */
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

extern char **environ;

int main(int argc, char **argv) {
  for (int i = 0; i < argc; i++) {
    const char *slash = strrchr(argv[i], '/');
    printf("argv[%d] %s\n", i, i == 0 && slash ? slash + 1 : argv[i]);
  }
  char **e = environ;
  for (; *e; e++) printf("env %s\n", *e);
  /* Kernels add rows; these are the ones that every static program may rely on. */
  for (const Elf64_auxv_t *a = (const Elf64_auxv_t *)(e + 1); a->a_type != AT_NULL; a++) {
    switch (a->a_type) {
      case AT_PAGESZ:
      case AT_CLKTCK:
      case AT_PHENT:
      case AT_BASE:
      case AT_FLAGS:
      case AT_SECURE: printf("auxv %lu = %lu\n", a->a_type, a->a_un.a_val); break;
      case AT_PHDR:
      case AT_ENTRY:
      case AT_RANDOM:
      case AT_EXECFN: printf("auxv %lu is %s\n", a->a_type, a->a_un.a_val ? "set" : "zero"); break;
      case AT_PLATFORM: printf("auxv %lu = %s\n", a->a_type, (const char *)a->a_un.a_val); break;
    }
  }
  printf("argv aligned %d, random twice the same %d\n", (int)(((uintptr_t)argv - 8) % 16 == 0),
         getauxval(AT_RANDOM) == getauxval(AT_RANDOM));
  return 0;
}
