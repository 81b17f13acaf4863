/*
 * Which parts of the kernels are there. An export knows what its model uses, and comes with a header that says so; without
 * that header, or without it on the include path, everything is.
 */
#ifndef MSF_PARTS_H_
#define MSF_PARTS_H_

#if defined(__has_include)
#if __has_include("msf_used.h")
#include "msf_used.h"
#endif
#endif

/* Programs of version 1 of the format, which earlier releases wrote. */
#if defined(MSF_WITHOUT_VERSION_1)
#define MSF_HAS_VERSION_1 0
#else
#define MSF_HAS_VERSION_1 1
#endif

/* Programs that keep something from one invocation to the next. */
#if defined(MSF_WITHOUT_STATES)
#define MSF_HAS_STATES 0
#else
#define MSF_HAS_STATES 1
#endif

#endif /* MSF_PARTS_H_ */
