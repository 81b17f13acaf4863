/*
 * Which row source belongs to which model: what the application has attached.
 */
#include "engine/msf_of_model.h"
#include "engine/msf_source.h"
#include "format/msf_program.h"
#include "msf.h"

static msf_of_model *attached;
static msf_attachment others;

void msf_attach_rows(msf_attachment *rows, const void *model, uint32_t model_size, msf_row_source source,
                     void *context) {
  rows->source = source;
  rows->context = context;
  msf_enter(&attached, &rows->of, model, model_size, source != 0);
}

void msf_set_row_source(msf_row_source source, void *context) {
  others.source = source;
  others.context = context;
}

const msf_attachment *msf_rows_of(const void *program) {
  return (const msf_attachment *)msf_entry_of(attached, program, &others.of);
}

msf_status msf_check_source(const void *program) {
  const int is_streamed = (((const msf_program *)program)->flags & MSF_STREAMED) != 0;
  return is_streamed && msf_rows_of(program)->source == 0 ? MSF_SOURCE_MISSING : MSF_OK;
}
