/* Which row source belongs to a program. */
#ifndef MSF_SOURCE_H_
#define MSF_SOURCE_H_

#include "msf.h"

/* The row source for a program, never NULL; its `source` is if there is none. */
const msf_attachment *msf_rows_of(const void *program);

#endif /* MSF_SOURCE_H_ */
