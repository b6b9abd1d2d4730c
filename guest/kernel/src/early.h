#pragma once
#include "kernel.h"

struct mm { u32 count; };
struct hot { struct task *current_task; };
extern struct mm init_mm;
extern struct task init_task;
/* Gives the task that runs here the first address space, as each CPU does at its start. */
void adopt_mm(struct task *task);
void adopt_mm_folded(void);
void adopt_mm_loaded(void);
