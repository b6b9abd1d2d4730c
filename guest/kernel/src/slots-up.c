/* Without one: the macros are the same, the path is another. */
#include "slots.h"
