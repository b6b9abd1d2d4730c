// Which C files of which Debian packages are compiled, and how; and what is known of the differences that stay.

const JANSSON = `#define JSON_INLINE inline
#define JSON_INTEGER_IS_LONG_LONG 1
#define JSON_HAVE_LOCALECONV 1
#define JSON_HAVE_ATOMIC_BUILTINS 1
#define JSON_HAVE_SYNC_BUILTINS 1
#define JSON_PARSER_MAX_DEPTH 2048
`;

export const PACKAGES = {
  bzip2: {
    folder: /^bzip2-\d/,
    files: ['blocksort.c', 'huffman.c', 'compress.c', 'decompress.c', 'bzlib.c'],
    include: ['.'],
  },
  zlib: {
    folder: /^zlib-\d/,
    files: 'adler32 crc32 deflate trees inflate inftrees inffast zutil compress uncompr'
      .split(' ')
      .map((name) => `${name}.c`),
    include: ['.'],
    flags: ['-DHAVE_MEMMOVE'],
  },
  jansson: {
    folder: /^jansson-\d/,
    files: ['src/*.c'],
    include: ['src'],
    flags: ['-DHAVE_STDINT_H', '-DHAVE_CONFIG_H'],
    headers: { 'jansson_config.h': JANSSON, 'jansson_private_config.h': '' },
  },
  lz4: { folder: /^lz4-\d/, files: ['lib/lz4.c', 'lib/lz4hc.c', 'lib/lz4frame.c', 'lib/xxhash.c'], include: ['lib'] },
  expat: {
    folder: /^expat-\d/,
    files: ['expat/lib/xmltok.c', 'expat/lib/xmlrole.c'],
    include: ['expat/lib'],
    flags: ['-DXML_STATIC', '-DXML_DEV_URANDOM'],
    headers: { 'expat_config.h': '' },
  },
  musl: {
    folder: /^musl-\d/,
    files: [
      'src/string/*.c',
      'src/stdlib/*.c',
      'src/ctype/*.c',
      'src/search/*.c',
      'src/time/*.c',
      'src/prng/*.c',
      'src/regex/*.c',
      'src/multibyte/*.c',
    ],
    include: 'obj/include obj/src/internal arch/x86_64 arch/generic src/include src/internal include'.split(' '),
    flags: ['-D_XOPEN_SOURCE=700', '-nostdinc', '-ffreestanding', '-std=c99'],
    prepare: './configure && make obj/include/bits/alltypes.h obj/include/bits/syscall.h obj/src/internal/version.h',
  },
};

/** Differences that are none of the compilers', each with its reason. */
export const EXPLAINED = [
  {
    package: 'jansson',
    functions: ['do_dump', 'json_dumps', 'json_dumpf', 'json_dumpfd', 'json_dump_callback', 'json_dump_file'],
    what: /^the same calls in another order/,
    why: 'json_string_value and json_string_length are arguments of one call',
  },
];
