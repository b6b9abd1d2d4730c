/** Numbers of the ELF-64 format that this project reads (System V gABI chapters 4 and 5; x86-64 psABI 4). */

export const EI_CLASS = 4;
export const EI_DATA = 5;
export const EI_VERSION = 6;
export const ELFCLASS64 = 2;
export const ELFDATA2LSB = 1;
export const EM_X86_64 = 62;

export const ET = { REL: 1, EXEC: 2, DYN: 3, CORE: 4 } as const;

/** Bytes of a file header, a program header, a section header, a symbol, a relocation with addend, a dynamic entry. */
export const EHDR_SIZE = 64;
export const PHDR_SIZE = 56;
export const SHDR_SIZE = 64;
export const SYM_SIZE = 24;
export const RELA_SIZE = 24;
export const DYN_SIZE = 16;

export const PT = {
  LOAD: 1,
  DYNAMIC: 2,
  INTERP: 3,
  NOTE: 4,
  PHDR: 6,
  TLS: 7,
  GNU_STACK: 0x6474e551,
  GNU_RELRO: 0x6474e552,
} as const;

export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;

export const DT = { NULL: 0, NEEDED: 1 } as const;

export const SHT = {
  NULL: 0,
  PROGBITS: 1,
  SYMTAB: 2,
  STRTAB: 3,
  RELA: 4,
  NOBITS: 8,
  REL: 9,
  DYNSYM: 11,
  SYMTAB_SHNDX: 18,
} as const;
export const SHF = { WRITE: 1n, ALLOC: 2n, EXECINSTR: 4n, STRINGS: 0x20n, TLS: 0x400n } as const;
/** Section indices at and above this are not sections (SHN_ABS, SHN_COMMON, …). */
export const SHN_LORESERVE = 0xff00;
export const SHN_UNDEF = 0;
export const SHN_ABS = 0xfff1;
export const SHN_COMMON = 0xfff2;
/** The index stands in the table SYMTAB_SHNDX. */
export const SHN_XINDEX = 0xffff;
/** e_phnum holds this when the real count stands in section 0's sh_info. */
export const PN_XNUM = 0xffff;

export const STB = { LOCAL: 0, GLOBAL: 1, WEAK: 2, GNU_UNIQUE: 10 } as const;
export const STT = { NOTYPE: 0, OBJECT: 1, FUNC: 2, SECTION: 3, FILE: 4, COMMON: 5, TLS: 6, GNU_IFUNC: 10 } as const;
