import { E, type ErrnoName, fail } from '../errno.ts';
import { ADDRESS } from './args.ts';
import { row, type SyscallRow } from './row.ts';

/**
 * Calls that are refused as a Linux refuses them that has the feature turned off, or that lets nobody do it: without a word, since
 * programs ask for them and go on. What is in no table at all is ENOSYS and said so once.
 */
// biome-ignore format: a table
const REFUSED: Readonly<Partial<Record<ErrnoName, readonly (readonly [number, string])[]>>> = {
  // What would reach the machine around the guest, or another process.
  EPERM: [
    [101, 'ptrace'], [103, 'syslog'], [153, 'vhangup'], [155, 'pivot_root'], [159, 'adjtimex'], [163, 'acct'],
    [164, 'settimeofday'], [165, 'mount'], [166, 'umount2'], [167, 'swapon'], [168, 'swapoff'], [169, 'reboot'],
    [170, 'sethostname'], [171, 'setdomainname'], [172, 'iopl'], [173, 'ioperm'], [175, 'init_module'],
    [176, 'delete_module'], [179, 'quotactl'], [246, 'kexec_load'], [300, 'fanotify_init'],
    [304, 'open_by_handle_at'], [305, 'clock_adjtime'], [308, 'setns'],
    [312, 'kcmp'], [313, 'finit_module'], [320, 'kexec_file_load'], [321, 'bpf'],
    [323, 'userfaultfd'], [425, 'io_uring_setup'], [426, 'io_uring_enter'], [427, 'io_uring_register'],
    [428, 'open_tree'], [429, 'move_mount'], [430, 'fsopen'], [431, 'fsconfig'], [432, 'fsmount'], [433, 'fspick'],
    [442, 'mount_setattr'],
  ],
  EACCES: [[298, 'perf_event_open']],
  EOPNOTSUPP: [
    [188, 'setxattr'], [189, 'lsetxattr'], [190, 'fsetxattr'], 
    [194, 'listxattr'], [195, 'llistxattr'], [196, 'flistxattr'], [197, 'removexattr'], [198, 'lremovexattr'],
    [199, 'fremovexattr'], [303, 'name_to_handle_at'],
  ],
  // A kernel without System V and POSIX queues, keys, inotify, memory policies, asynchronous I/O of the old kind.
  ENOSYS: [
    [29, 'shmget'], [30, 'shmat'], [31, 'shmctl'], [64, 'semget'], [65, 'semop'], [66, 'semctl'], [67, 'shmdt'],
    [68, 'msgget'], [69, 'msgsnd'], [70, 'msgrcv'], [71, 'msgctl'], [154, 'modify_ldt'], [206, 'io_setup'],
    [207, 'io_destroy'], [208, 'io_getevents'], [209, 'io_submit'], [210, 'io_cancel'], [237, 'mbind'],
    [238, 'set_mempolicy'], [239, 'get_mempolicy'], [240, 'mq_open'], [241, 'mq_unlink'], [242, 'mq_timedsend'],
    [243, 'mq_timedreceive'], [244, 'mq_notify'], [245, 'mq_getsetattr'], [248, 'add_key'], [249, 'request_key'],
    [250, 'keyctl'], [253, 'inotify_init'], [254, 'inotify_add_watch'], [255, 'inotify_rm_watch'],
    [294, 'inotify_init1'], [444, 'landlock_create_ruleset'], [445, 'landlock_add_rule'],
    [446, 'landlock_restrict_self'], [447, 'memfd_secret'],
  ],
};

/** What each refused call answers, by number. */
export const STUB_ERRNO: ReadonlyMap<number, ErrnoName> = new Map(
  Object.entries(REFUSED).flatMap(([errno, calls]) => calls.map(([number]) => [number, errno as ErrnoName] as const)),
);

export const STUBS: readonly SyscallRow[] = Object.entries(REFUSED).flatMap(([errno, calls]) =>
  calls.map(([number, name]) =>
    row(number, name, [ADDRESS, ADDRESS, ADDRESS, ADDRESS], () => fail(E[errno as ErrnoName])),
  ),
);
