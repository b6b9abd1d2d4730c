// A dynamic program: exceptions across libraries and threads, a library loaded at run time, execve that cannot find an interpreter.
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <stdexcept>
#include <string>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

static thread_local int mine = 5;

/** A program that asks for `interpreter`, which is not there or is no program. */
static void execute(const char *interpreter) {
  struct { Elf64_Ehdr file; Elf64_Phdr load, interp; char path[64]; } image = {};
  memcpy(image.file.e_ident, "\177ELF\2\1\1", 7);
  image.file.e_type = ET_EXEC, image.file.e_machine = EM_X86_64, image.file.e_version = 1;
  image.file.e_entry = 0x400000, image.file.e_phoff = sizeof image.file, image.file.e_ehsize = sizeof image.file;
  image.file.e_phentsize = sizeof image.load, image.file.e_phnum = 2;
  image.load.p_type = PT_LOAD, image.load.p_flags = PF_R | PF_X, image.load.p_vaddr = 0x400000;
  image.load.p_filesz = image.load.p_memsz = sizeof image, image.load.p_align = 4096;
  image.interp.p_type = PT_INTERP, image.interp.p_offset = (char *)image.path - (char *)&image;
  image.interp.p_filesz = strlen(interpreter) + 1;
  strcpy(image.path, interpreter);
  const char *path = "/tmp/interpreted";
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
  if (write(fd, &image, sizeof image) < 0) perror("write");
  close(fd);
  char *const args[] = {(char *)path, nullptr};
  execv(path, args);
  printf("%s: %s\n", interpreter, strerror(errno));
  unlink(path);
}

int main(int argc, char **argv) {
  try {
    (void)std::stoi("none");
  } catch (const std::invalid_argument &error) {
    printf("caught %s\n", error.what());
  }
  std::atomic<int> sum{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++)
    threads.emplace_back([&sum, i] {
      mine += i;
      try {
        throw std::string(mine, 'x');
      } catch (const std::string &text) {
        sum += text.size();
      }
    });
  for (auto &each : threads) each.join();
  printf("sum %d mine %d\n", sum.load(), mine);
  void *math = dlopen("libm.so.6", RTLD_NOW);
  auto power = (double (*)(double, double))dlsym(math, "pow");
  printf("pow %g\n", power(2, 10));
  printf("base %d entry %d headers %d\n", getauxval(AT_BASE) != 0, getauxval(AT_ENTRY) != 0, getauxval(AT_PHDR) != 0);
  execute("/no/such/ld.so");
  execute("/etc/passwd");
  execute("/etc");
  for (int size : {8, 80}) {
    std::string text(size, 'x');
    int fd = open("/tmp/no-program", O_WRONLY | O_CREAT | O_TRUNC, 0755);
    if (write(fd, text.data(), size) < 0) perror("write");
    close(fd);
    execute("/tmp/no-program");
  }
  unlink("/tmp/no-program");
  execute("");
  fflush(stdout);
  if (fork() == 0) {
    execlp("echo", "echo", "executed", nullptr);
    _exit(1);
  }
  int status;
  wait(&status);
  printf("status %d\n", status);
}
