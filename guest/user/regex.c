/* regcomp and regexec: groups, classes, repetitions, back references, and the errors. */
#include <regex.h>
#include <stdio.h>

static const struct { const char *pattern, *text; int flags; } cases[] = {
    {"^([a-z]+)@([a-z]+)\\.([a-z]{2,3})$", "someone@example.org", REG_EXTENDED},
    {"^([a-z]+)@([a-z]+)\\.([a-z]{2,3})$", "someone@example.museum", REG_EXTENDED},
    {"(a|ab)(c|bcd)(d*)", "abcd", REG_EXTENDED},
    {"[[:digit:]]+([.,][[:digit:]]*)?", "the price is 1234,56 today", REG_EXTENDED},
    {"\\(.\\)\\(.\\)\\2\\1", "xx abba yy", 0},
    {"HELLO", "say hello", REG_ICASE},
    {"(x+x+)+y", "xxxxxxxxxxxxxy", REG_EXTENDED},
    {"^$", "", REG_EXTENDED},
    {"[^]a-]b", "a]b-cb", REG_EXTENDED},
    {"b{2,4}?", "abbbbbc", REG_EXTENDED},
    {"(unbalanced", "text", REG_EXTENDED},
    {"[z-a]", "text", REG_EXTENDED},
};

int main(void) {
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    regex_t compiled;
    int error = regcomp(&compiled, cases[i].pattern, cases[i].flags);
    if (error) {
      printf("%-40s error %d\n", cases[i].pattern, error);
      continue;
    }
    regmatch_t match[5];
    int miss = regexec(&compiled, cases[i].text, 5, match, 0);
    printf("%-40s", cases[i].pattern);
    if (miss) printf(" no match");
    for (int g = 0; !miss && g < 5; g++)
      if (match[g].rm_so >= 0) printf(" %d-%d", (int)match[g].rm_so, (int)match[g].rm_eo);
    putchar('\n');
    regfree(&compiled);
  }
  return 0;
}
