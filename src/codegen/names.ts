/** What compilers and linkers add to a name: clones, split parts, numbers of statics. */
const SUFFIX = /(?:\.(?:isra|constprop|part|cold|lto_priv|llvm|cfi|str|unlikely|hot|localalias|\d+))(?=\.|$)/g;
const OF_FUNCTION = /^[A-Za-z_]\w*\.(?=[A-Za-z_]\w*$)/;
/** Objects that Linux macros number by __COUNTER__ (include/linux/compiler.h). */
const UNIQUE = '__UNIQUE_ID_';
const PART = /\.(cold|part)(?=\.|$)/;

/** A name without what the compiler has added: `foo.isra.0` → `foo`, `key.12` → `key`. */
export function baseName(name: string): string {
  if (name.startsWith(UNIQUE)) return name.replace(/\d+(\.\d+)?$/, '');
  if (!name.includes('.')) return name;
  const stripped = name.replace(SUFFIX, '');
  // clang names a static variable of a function with it.
  return stripped === '' ? name : stripped.replace(OF_FUNCTION, '');
}

/** Whether a name is a clone's whose parameters are not those of its source. */
export const hasOwnParameters = (name: string): boolean => /\.(isra|constprop|part)(?=\.|$)/.test(name);

/** Name under which the functions of two builds are paired when they do not have the same: split-off parts stay apart from the whole. */
export function pairingName(name: string): string {
  const part = PART.exec(name);
  return part === null ? baseName(name) : `${baseName(name)}.${part[1]}`;
}
