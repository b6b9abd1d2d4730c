/* Offsets that assembly and C share. */
#define PC_SELF 0
#define PC_CURRENT 8
#define PC_STACK 16
#define PC_USER_RSP 24
#define PC_KERNEL_CR3 32
#define PC_USER_CR3 40
#define PC_IN_KERNEL 48
#define CR4_PGE 0x80
#define STACK_SIZE 0x2000
#define PERCPU_SIZE 0x4000
#define SYSCALL_VECTOR 256
#define KERNEL_CS 0x10
#define USER_DS 0x2b
#define USER_CS 0x33
