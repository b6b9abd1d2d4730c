import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../support/run-program.ts';

const BUSYBOX = '/bin/busybox';
const APPLETS = [
  'cat',
  'tac',
  'wc',
  'sort',
  'tr',
  'sed',
  'grep',
  'head',
  'sleep',
  'mkfifo',
  'rm',
  'seq',
  'sh',
  'true',
  'false',
  'env',
];

/** Every shell with the arguments before a script. */
const SHELLS: readonly (readonly string[])[] = [[BUSYBOX, 'sh'], ['/bin/bash-static'], ['/bin/zsh-static', '-f']];

const SCRIPTS: Readonly<Record<string, string>> = {
  pipes: 'echo hello | tr a-z A-Z | sed s/L/1/g; seq 1 1000 | sort -rn | head -n 3; yes=0; false | true; echo $?',
  'here-documents': "x=5; cat <<EOF\nvalue $x $(echo in)\nEOF\ncat <<'EOF'\n$x\nEOF\nwc -c <<EOF\n12345\nEOF",
  'command substitution': 'a=$(echo one; echo two); echo "$a"; echo "$(echo $(echo deep))"; b=`echo tick`; echo $b',
  subshells: '(exit 3); echo $?; x=1; (x=2; echo $x); echo $x; { echo a; echo b; } | cat; ! false; echo $?',
  'background jobs':
    'sleep 0.02 & p=$!; wait $p; echo done $?; (sleep 0.01; exit 4) & wait $!; echo $?; wait; echo all',
  traps:
    "trap 'echo caught' USR1; kill -USR1 $$; echo on; (trap 'echo inner; exit 9' TERM; kill -TERM $(sh -c 'echo $PPID'); sleep 1); echo $?; trap 'echo bye $?' EXIT; exit 2",
  'killed children': "exec 2>/dev/null; sh -c 'kill -KILL $$'; echo $?; sh -c 'kill -TERM $$'; echo $?",
  redirections:
    'cd $DIR; echo a >f; echo b >>f; cat <f; exec 3>g; echo three >&3; exec 3>&-; cat g; ls /nope 2>&1 >/dev/null | wc -l; rm f g',
  loops:
    'i=0; while [ $i -lt 5 ]; do i=$((i+1)); [ $i = 3 ] && continue; echo $i; done | tac; for w in a b c; do echo $w; done; seq 3 | while read n; do echo "<$n>"; done',
  functions:
    'f() { local v=$1; echo "f $v $#"; return 6; }; f x y; echo $?; case abc in a*) echo match;; *) echo no;; esac',
  fifos: 'mkfifo $DIR/p; echo through >$DIR/p & cat $DIR/p; wait; rm $DIR/p; echo $?',
  environment: 'A=1 env | grep ^A=; export B=2; env | grep ^B=; unset B; env | grep -c ^B=',
};

describe('scripts do what they do natively', () => {
  const bin = mkdtempSync(join(tmpdir(), 'applets-'));
  const scripts = mkdtempSync(join(tmpdir(), 'scripts-'));
  beforeAll(() => {
    if (!existsSync(BUSYBOX)) return;
    copyFileSync(BUSYBOX, join(bin, 'busybox'));
    for (const applet of [...APPLETS, 'ls', 'yes', 'kill']) symlinkSync('busybox', join(bin, applet));
  });
  afterAll(() => {
    for (const folder of [bin, scripts]) rmSync(folder, { recursive: true });
  });

  for (const [shell, ...before] of SHELLS)
    describe.skipIf(!existsSync(shell!) || !existsSync(BUSYBOX))(shell!, () => {
      it.each(Object.keys(SCRIPTS))('%s', { timeout: 60_000 }, (name) => {
        const env = { PATH: '/applets', LC_ALL: 'C', DIR: '/tmp' };
        const text = SCRIPTS[name]!;
        const host = spawnSync(shell!, [...before, '-c', text], {
          encoding: 'utf8',
          env: { ...env, PATH: bin, DIR: scripts },
        });
        const grants = [{ host: bin, guest: '/applets', readOnly: true }];
        const run = runProgram(shell!, [...before, '-c', text], {
          env,
          grants,
          name: shell!,
          limits: { instructions: 1e9 },
        });
        expect({ output: run.output, end: run.end }).toEqual({
          output: host.stdout,
          end: { kind: 'exited', status: host.status },
        });
      });
    });
});
