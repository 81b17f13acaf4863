/*
 * Which row source belongs to which model: a list of what the application has attached, which owns the entries.
 */
#include "engine/msf_source.h"
#include "format/msf_program.h"
#include "msf.h"

static msf_attachment *attached;
static msf_attachment others;

static void detach(const msf_attachment *rows) {
  for (msf_attachment **place = &attached; *place != 0; place = &(*place)->next) {
    if (*place == rows) {
      *place = rows->next;
      return;
    }
  }
}

void msf_attach_rows(msf_attachment *rows, const void *model, uint32_t model_size, msf_row_source source,
                     void *context) {
  detach(rows);
  rows->source = source;
  rows->context = context;
  rows->model = (const uint8_t *)model;
  rows->model_size = model_size;
  rows->next = attached;
  if (source != 0) attached = rows;
}

void msf_set_row_source(msf_row_source source, void *context) {
  others.source = source;
  others.context = context;
}

const msf_attachment *msf_rows_of(const void *program) {
  for (const msf_attachment *rows = attached; rows != 0; rows = rows->next) {
    if ((uintptr_t)program - (uintptr_t)rows->model < rows->model_size) return rows;
  }
  return &others;
}

msf_status msf_check_source(const void *program) {
  const int is_streamed = (((const msf_program *)program)->flags & MSF_STREAMED) != 0;
  return is_streamed && msf_rows_of(program)->source == 0 ? MSF_SOURCE_MISSING : MSF_OK;
}
