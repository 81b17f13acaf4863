/*
 * SOURCE: the input image, row by row from a function that the application has set, so that it is never held whole.
 */
#include "msf_engine.h"

static msf_row_source row_source;
static void *row_context;

void msf_set_row_source(msf_row_source source, void *context) {
  row_source = source;
  row_context = context;
}

int msf_has_row_source(void) { return row_source != 0; }

/* Rows are written whole, so a ring must hold whole rows. */
static int check(const msf_stage_shape *shape) { return shape->out->pixels % shape->out->w == 0; }

static void run(const msf_call *call) {
  const uint32_t size = (uint32_t)call->out.w * (uint32_t)call->out.c;
  if (row_source(row_context, (uint32_t)call->y, msf_pixel(&call->out, call->y, 0), size) != 0) {
    *call->status = MSF_SOURCE_FAILED;
  }
}

const msf_operator msf_source = {check, run, 0, 0};
