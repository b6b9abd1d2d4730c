/* Files: create, write, seek, read, map, truncate, rename, list, remove. argv[1]: a folder to work in. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int fail(const char *what) {
  printf("%s: errno %d\n", what, errno);
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 2 || chdir(argv[1])) return fail("chdir");
  if (mkdir("sub", 0755)) return fail("mkdir");
  FILE *f = fopen("sub/one.txt", "w+");
  if (!f) return fail("fopen");
  for (int i = 0; i < 1000; i++) fprintf(f, "line %d\n", i);
  fseek(f, 0, SEEK_SET);
  char line[64];
  unsigned long sum = 0;
  while (fgets(line, sizeof line, f)) sum = sum * 31 + strlen(line) + (unsigned char)line[5];
  printf("stdio %lu at %ld\n", sum, ftell(f));
  fclose(f);

  int fd = open("sub/one.txt", O_RDWR | O_APPEND);
  struct iovec parts[2] = {{"alpha ", 6}, {"beta\n", 5}};
  printf("writev %zd\n", writev(fd, parts, 2));
  char tail[12] = {0};
  ssize_t got = pread(fd, tail, 11, lseek(fd, 0, SEEK_END) - 11);
  printf("pread %zd %s", got, tail);
  struct stat st;
  fstat(fd, &st);
  printf("size %lld regular %d links %d\n", (long long)st.st_size, S_ISREG(st.st_mode), (int)st.st_nlink);
  char *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (map == MAP_FAILED) return fail("mmap");
  sum = 0;
  for (long i = 0; i < st.st_size; i++) sum += (unsigned char)map[i];
  printf("mapped %lu\n", sum);
  munmap(map, (size_t)st.st_size);
  printf("truncate %d\n", ftruncate(fd, 100));
  int copy = dup(fd);
  close(fd);
  printf("dup reads %zd\n", pread(copy, line, sizeof line, 60));
  close(copy);

  printf("rename %d\n", rename("sub/one.txt", "sub/two.txt"));
  int gone = open("sub/one.txt", O_RDONLY);
  printf("gone %d errno %d\n", gone, errno);
  printf("access %d\n", access("sub/two.txt", R_OK));
  DIR *d = opendir("sub");
  int entries = 0;
  for (struct dirent *e; (e = readdir(d));) entries += 1 + (strcmp(e->d_name, "two.txt") == 0) * 10;
  closedir(d);
  printf("entries %d\n", entries);
  int full = rmdir("sub");
  printf("rmdir full %d errno %d\n", full, errno);
  int removed = unlink("sub/two.txt");
  printf("remove %d %d\n", removed, rmdir("sub"));
  return 0;
}
