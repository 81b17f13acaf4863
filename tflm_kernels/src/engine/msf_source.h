/* The row source that the application may set. */
#ifndef MSF_SOURCE_H_
#define MSF_SOURCE_H_

/* Whether the application has set a row source. */
int msf_has_row_source(void);

#endif /* MSF_SOURCE_H_ */
