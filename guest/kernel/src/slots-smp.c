/* With a segment prefix. */
#define SMP
#include "slots.h"
