/* The walk of tflm_msf/blocks/walk.py, step by step: that module and those that it imports say what it does and why. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

/* Units that run together, in their order: the first, and in `next` of the walk the one after each. What is asked of
 * them is in `rows` (for each row of the output, and for none), and `x0` and `x1` (for each strip of each schedule),
 * `cols` and `all_cols` (for each schedule). */
typedef struct {
  int64_t first, last, chunk_channels, whole_rows;
  int64_t may_be_cut_short, in_ring, beside_channels; /* in_ring: a tensor, or -1; the channels of the others then */
  int64_t *rows, *x0, *x1, *cols, *all_cols;
  int64_t *ring; /* pixels of what it makes, for each schedule; 0 if that is no ring */
} group_t;

typedef struct {
  int64_t unit, next;
} reader_t;

/* Channels that are taken in a group's chunks. */
typedef struct {
  int64_t tensor, start, end;
} taken_t;

typedef struct {
  const msf_core_network *network;
  const msf_core_unit *units;
  const msf_core_tensor *tensors;
  const msf_core_limits *limits;
  const int64_t *widths;
  int64_t last, chunk, most, width_count, strip_count, height;
  int64_t *strips; /* where each schedule's begin, and the end */
  int64_t *living; /* schedules that are gone on with */
  int64_t living_count;
  int64_t *root, *next; /* for each unit */
  group_t *groups;
  int64_t group_count;
  int64_t *reader, *read_by; /* for each tensor: its newest reader in the block, and how many there are */
  reader_t *readers;
  int64_t reader_count;
  int64_t *outside; /* tensors that the block reads and does not make */
  int64_t outside_count, not_made;
  int64_t *macs, *ring_bytes, *workspaces; /* for each schedule */
  int64_t accumulated, has_state, tallest, widest;
  taken_t *taken;
  int64_t *by_rows; /* for each group */
  msf_core_block *found;
  int64_t *found_order;
  msf_core_walked *walked;
  int64_t input_count;
  int status;
} walk_t;

static int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t at_least(int64_t a, int64_t b) { return a > b ? a : b; }

static int64_t clip(int64_t value, int64_t size) { return at_most(at_least(value, 0), size); }

static int64_t aligned(int64_t value, int64_t alignment) { return (value + alignment - 1) / alignment * alignment; }

static int64_t quotient(int64_t value, int64_t factor) {
  return value >= 0 ? value / factor : -((-value + factor - 1) / factor);
}

static int64_t top(const msf_core_unit *unit, int64_t y) {
  return quotient(y + unit->shift_h, unit->factor_h) * unit->stride_h - unit->pad_top;
}

static int64_t left(const msf_core_unit *unit, int64_t x) {
  return quotient(x + unit->shift_w, unit->factor_w) * unit->stride_w - unit->pad_left;
}

static int64_t *numbers(walk_t *w, int64_t count) {
  int64_t *memory = calloc((size_t)at_least(count, 1), sizeof(int64_t));
  if (!memory) w->status = MSF_CORE_NO_MEMORY;
  return memory;
}

static const msf_core_unit *maker_of_output(const walk_t *w) { return &w->units[w->last]; }

/* ---- Demand ---- */

static void sum_up(const walk_t *w, group_t *group) {
  for (int64_t n = 0; n < w->living_count; n++) {
    int64_t schedule = w->living[n], most = 0, all = 0;
    for (int64_t strip = w->strips[schedule]; strip < w->strips[schedule + 1]; strip++) {
      int64_t cols = group->x1[strip] - group->x0[strip];
      most = strip == w->strips[schedule] ? cols : at_least(most, cols);
      all += cols;
    }
    group->cols[schedule] = most;
    group->all_cols[schedule] = all;
  }
}

static void ask_of_output(const walk_t *w, group_t *group) {
  int64_t width = maker_of_output(w)->out_w;
  for (int64_t y = 0; y <= w->height; y++) group->rows[y] = y;
  for (int64_t n = 0; n < w->living_count; n++) {
    int64_t schedule = w->living[n], x = 0;
    for (int64_t strip = w->strips[schedule]; strip < w->strips[schedule + 1]; strip++, x += w->widths[schedule]) {
      group->x0[strip] = x;
      group->x1[strip] = at_most(x + w->widths[schedule], width);
    }
  }
}

/* What one reader asks of the map of `unit`, together with what those before it did. */
static void ask_of_reader(const walk_t *w, group_t *group, const msf_core_unit *unit, int64_t reader, int is_first) {
  const group_t *asking = &w->groups[w->root[reader]];
  const msf_core_unit *by = &w->units[reader];
  for (int64_t y = 0; y <= w->height; y++) {
    int64_t rows = asking->rows[y] > 0 ? clip(top(by, asking->rows[y] - 1) + by->reach_h, unit->out_h) : 0;
    group->rows[y] = is_first ? rows : at_least(group->rows[y], rows);
  }
  for (int64_t n = 0; n < w->living_count; n++) {
    int64_t schedule = w->living[n];
    for (int64_t strip = w->strips[schedule]; strip < w->strips[schedule + 1]; strip++) {
      int64_t x0 = clip(left(by, asking->x0[strip]), unit->out_w);
      int64_t x1 = clip(left(by, asking->x1[strip] - 1) + by->reach_w, unit->out_w);
      group->x0[strip] = is_first ? x0 : at_most(group->x0[strip], x0);
      group->x1[strip] = is_first ? x1 : at_least(group->x1[strip], x1);
    }
  }
}

static void ask_of_readers(const walk_t *w, group_t *group, const msf_core_unit *unit) {
  int is_first = 1;
  for (int64_t n = w->reader[unit->output]; n >= 0; n = w->readers[n].next, is_first = 0)
    ask_of_reader(w, group, unit, w->readers[n].unit, is_first);
  for (int64_t strip = 0; strip < w->strip_count; strip++) {
    if (unit->out_w == 1) {
      group->x0[strip] = 0;
      group->x1[strip] = 1;
    }
    group->x1[strip] = at_least(group->x0[strip], group->x1[strip]);
  }
}

static void ask_of_reducing(const walk_t *w, group_t *group, const msf_core_unit *unit) {
  for (int64_t y = 0; y <= w->height; y++) group->rows[y] = group->rows[y] > 0 ? unit->grid_h : 0;
  for (int64_t strip = 0; strip < w->strip_count; strip++) {
    group->x0[strip] = 0;
    group->x1[strip] = unit->grid_w;
  }
}

/* ---- What a block keeps ---- */

/* Channels that all chunks of a group but that of tensor `elsewhere` take together; a chunk is free again once its reader
 * has run. */
static int64_t chunk_channels(walk_t *w, const group_t *group, int64_t elsewhere) {
  int64_t live = 0, extent = 0;
  for (int64_t at = group->first; w->next[at] >= 0; at = w->next[at]) {
    const msf_core_unit *unit = &w->units[at];
    const msf_core_input *first = &w->network->inputs[unit->inputs];
    int64_t channels = unit->out_c, start = 0, is_placed = 0;
    for (int64_t n = 0; n < live; n++) {
      if (unit->in_place && w->taken[n].tensor == first->tensor && first->c == channels) {
        start = w->taken[n].start;
        is_placed = 1;
      }
    }
    for (int64_t n = 0; n < live && !is_placed; n++)
      if (start + channels > w->taken[n].start) start = at_least(start, w->taken[n].end);
    int64_t kept = 0;
    for (int64_t n = 0; n < live; n++) {
      int is_read = 0;
      for (int64_t read = 0; read < unit->read_count; read++)
        is_read |= w->network->reads[unit->reads + read] == w->taken[n].tensor;
      if (!is_read) w->taken[kept++] = w->taken[n];
    }
    live = kept;
    if (unit->output == elsewhere) continue;
    int64_t place = kept;
    for (; place > 0 && w->taken[place - 1].start > start; place--) w->taken[place] = w->taken[place - 1];
    w->taken[place] = (taken_t){unit->output, start, start + channels};
    live = kept + 1;
    extent = at_least(extent, start + channels);
  }
  return extent;
}

/* The tensor that a group's last unit takes from an earlier one and may write its result over; -1 if there is none. */
static int64_t written_over(const walk_t *w, const group_t *group) {
  const msf_core_unit *last = &w->units[group->last];
  const msf_core_input *first = &w->network->inputs[last->inputs];
  if (!last->in_place) return -1;
  for (int64_t at = group->first; w->next[at] >= 0; at = w->next[at])
    if (w->units[at].output == first->tensor && w->units[at].out_c == last->out_c) return first->tensor;
  return -1;
}

static void keep_rows(walk_t *w, const group_t *group, const msf_core_unit *unit) {
  const msf_core_tensor *tensor = &w->tensors[unit->output];
  if (unit->history) {
    w->has_state = 1;
    return;
  }
  if (!unit->reduces && tensor->rows < 0) {
    w->walked->wanted = unit->output;
    w->status = MSF_CORE_RING_UNKNOWN;
    return;
  }
  for (int64_t n = 0; n < w->living_count; n++) {
    int64_t cols = group->cols[w->living[n]], pixels;
    if (unit->reduces)
      pixels = unit->out_h * unit->out_w;
    else if (unit->is_source)
      pixels = at_most(tensor->rows, unit->out_h) * unit->out_w;
    else
      pixels = at_least(1, at_most((tensor->rows - 1) * cols + at_most(tensor->newest, cols), unit->out_h * cols));
    group->ring[w->living[n]] = pixels;
    w->ring_bytes[w->living[n]] += pixels * unit->out_c;
  }
}

static int64_t progress_bytes(const walk_t *w) {
  return w->limits->progress_bytes * (w->group_count + (maker_of_output(w)->prefix >= 0));
}

static int64_t without_chunks(const walk_t *w, int64_t schedule) {
  return w->ring_bytes[schedule] + progress_bytes(w) + w->limits->accumulator_bytes * w->accumulated;
}

/* Whether a group is asked for whole rows; groups behind it are known already. */
static int is_asked_for_rows(const walk_t *w, int64_t number) {
  if (number == 0) return 1;
  int64_t made = w->units[w->groups[number].last].output;
  return w->tensors[made].readers == 1 && w->by_rows[w->root[w->readers[w->reader[made]].unit]];
}

/* Whether each step of whole rows begins where the ring does that a group makes. */
static int fills_ring(const walk_t *w, const group_t *group, int64_t schedule) {
  int64_t cols = group->cols[schedule], strips = w->strips[schedule + 1] - w->strips[schedule];
  return group->ring[schedule] == cols && (group->all_cols[schedule] == cols * strips || group->rows[w->height] == 1);
}

static void find_workspaces(walk_t *w) {
  for (int64_t n = 0; n < w->living_count; n++) {
    int64_t schedule = w->living[n], chunks = 0;
    for (int64_t number = 0; number < w->group_count; number++) {
      const group_t *group = &w->groups[number];
      int64_t cols = group->cols[schedule];
      int64_t most = at_most(w->chunk, at_least(1, w->limits->chunk_bytes / at_least(group->chunk_channels, 1)));
      int64_t chunk = group->whole_rows ? group->whole_rows : at_most(at_least(cols, 1), most);
      w->by_rows[number] = chunk >= cols && !group->may_be_cut_short && is_asked_for_rows(w, number);
      int is_in_ring = group->in_ring >= 0 && w->by_rows[number] && fills_ring(w, group, schedule);
      chunks = at_least(chunks, chunk * (is_in_ring ? group->beside_channels : group->chunk_channels));
    }
    w->workspaces[schedule] = without_chunks(w, schedule) + chunks;
  }
}

/* ---- Taking a unit in ---- */

static int keep_few_strips(walk_t *w, int64_t most) {
  int64_t kept = 0;
  for (int64_t n = 0; n < w->living_count; n++)
    if (w->strips[w->living[n] + 1] - w->strips[w->living[n]] <= most) w->living[kept++] = w->living[n];
  w->living_count = kept;
  return kept > 0;
}

/* Whether the output of `unit` is read in the block only, in the layout that it gives it. */
static int becomes_inner(const walk_t *w, const msf_core_unit *unit) {
  const msf_core_tensor *tensor = &w->tensors[unit->output];
  if (w->read_by[unit->output] == 0 || w->read_by[unit->output] != tensor->readers || tensor->is_output) return 0;
  if (unit->prefix >= 0) return 0;
  for (int64_t n = w->reader[unit->output]; n >= 0; n = w->readers[n].next) {
    const msf_core_unit *reader = &w->units[w->readers[n].unit];
    if (reader->prefix == unit->output) return 0;
    for (int64_t at = reader->inputs; at < reader->inputs + reader->input_count; at++) {
      const msf_core_input *input = &w->network->inputs[at];
      if (input->tensor != unit->output) continue;
      if (input->h != unit->out_h || input->w != unit->out_w || input->c != unit->out_c) return 0;
    }
  }
  return 1;
}

static int can_be_numbered(const walk_t *w) {
  const msf_core_limits *limits = w->limits;
  if (w->tallest <= limits->most_rows) return w->widest <= limits->most_columns;
  return w->tallest <= limits->most_rows_tall && w->widest <= limits->most_columns_tall;
}

static int may_be_in(walk_t *w, int64_t number, const msf_core_unit *unit) {
  if (number == w->last ? unit->history > 0 : !becomes_inner(w, unit)) return 0;
  w->tallest = at_least(w->tallest, unit->tallest);
  w->widest = at_least(w->widest, unit->widest);
  if (!can_be_numbered(w)) return 0;
  return keep_few_strips(w, unit->most_strips);
}

static void begin_group(walk_t *w, int64_t number, const msf_core_unit *unit) {
  group_t *group = &w->groups[w->group_count];
  group->rows = numbers(w, w->height + 1);
  group->x0 = numbers(w, w->strip_count);
  group->x1 = numbers(w, w->strip_count);
  group->cols = numbers(w, w->width_count);
  group->all_cols = numbers(w, w->width_count);
  group->ring = numbers(w, w->width_count);
  w->root[number] = w->group_count++;
  group->first = group->last = number;
  group->may_be_cut_short = unit->may_be_cut_short;
  group->in_ring = -1;
  group->whole_rows = unit->is_source ? unit->out_w : 0;
  if (w->status == MSF_CORE_NO_MEMORY) return;
  if (number == w->last)
    ask_of_output(w, group);
  else
    ask_of_readers(w, group, unit);
  if (unit->reduces) ask_of_reducing(w, group, unit);
  sum_up(w, group);
  if (number != w->last) keep_rows(w, group, unit);
}

static void join_group(walk_t *w, int64_t number, const msf_core_unit *unit) {
  w->root[number] = w->root[w->readers[w->reader[unit->output]].unit];
  group_t *group = &w->groups[w->root[number]];
  w->next[number] = group->first;
  group->first = number;
  group->chunk_channels = chunk_channels(w, group, -1);
  group->may_be_cut_short |= unit->may_be_cut_short;
  int makes_ring = w->root[number] > 0 && !w->units[group->last].history;
  group->in_ring = makes_ring ? written_over(w, group) : -1;
  group->beside_channels = group->in_ring < 0 ? 0 : chunk_channels(w, group, group->in_ring);
}

static void read_in(walk_t *w, int64_t number, const msf_core_unit *unit) {
  for (int64_t at = unit->reads; at < unit->reads + unit->read_count; at++) {
    int64_t tensor = w->network->reads[at];
    w->readers[w->reader_count] = (reader_t){number, w->reader[tensor]};
    w->reader[tensor] = w->reader_count++;
    if (w->read_by[tensor]++ > 0) continue;
    w->outside[w->outside_count++] = tensor;
    w->not_made += !w->tensors[tensor].is_made;
  }
  int64_t kept = 0;
  for (int64_t n = 0; n < w->outside_count; n++)
    if (w->outside[n] != unit->output) w->outside[kept++] = w->outside[n];
  w->outside_count = kept;
}

static int take_in(walk_t *w, int64_t number) {
  const msf_core_unit *unit = &w->units[number];
  w->walked->reached = number;
  if (!unit->is_stage || !may_be_in(w, number, unit)) return 0;
  if (number != w->last && w->tensors[unit->output].is_chunk && !unit->rows_alone)
    join_group(w, number, unit);
  else
    begin_group(w, number, unit);
  if (w->status != MSF_CORE_FOUND) return 0;
  read_in(w, number, unit);
  if (unit->reduces) w->accumulated += unit->out_c;
  const group_t *group = &w->groups[w->root[number]];
  int64_t rows = at_least(group->rows[w->height] - unit->history, 0);
  for (int64_t n = 0; n < w->living_count; n++)
    w->macs[w->living[n]] += unit->macs_per_pixel * rows * group->all_cols[w->living[n]];
  return 1;
}

/* ---- Output over input ---- */

/* How far the output is ahead of the input in a row of both, from column x0 to x1: a chunk counts as written. */
static int64_t ahead_within_a_row(const walk_t *w, const msf_core_unit *unit, const msf_core_input *grid, int64_t x0,
                                  int64_t x1) {
  int64_t most = INT64_MIN;
  for (int64_t x = x0; x < x1; x++)
    most =
        at_least(most, at_most(x + w->chunk, x1) * maker_of_output(w)->out_c - clip(left(unit, x), grid->w) * grid->c);
  return most;
}

/* The first row that a unit still needs when row y of the output is begun. */
static int64_t row_needed(const walk_t *w, const msf_core_unit *unit, const msf_core_input *grid, const int64_t *asked,
                          int64_t y) {
  return asked[y] >= asked[w->height] ? grid->h : clip(top(unit, asked[y]), grid->h);
}

static int64_t distance_to_reader(const walk_t *w, int64_t schedule, int64_t reader, const msf_core_input *grid) {
  const msf_core_unit *out = maker_of_output(w), *unit = &w->units[reader];
  const group_t *asked = &w->groups[w->root[reader]], *output = &w->groups[w->root[w->last]];
  int64_t row = out->out_w * out->out_c, line = grid->w * grid->c, rows = INT64_MIN, again = INT64_MIN,
          most = INT64_MIN;
  int is_last = asked == output;
  if (out->reduces) return out->out_h * row - (is_last ? grid->h - 1 : grid->h) * line;
  if (unit->is_pointwise && grid->h * grid->w == 1) return out->out_h * row;
  for (int64_t y = 0; y < out->out_h; y++) {
    int64_t needed = row_needed(w, unit, grid, asked->rows, y), ahead = y * row - needed * line;
    int is_read_again = y + 1 < out->out_h && row_needed(w, unit, grid, asked->rows, y + 1) == needed;
    rows = at_least(rows, ahead);
    if (is_last && is_read_again) again = at_least(again, ahead);
  }
  for (int64_t strip = w->strips[schedule]; strip < w->strips[schedule + 1]; strip++) {
    int64_t x0 = output->x0[strip], x1 = output->x1[strip];
    int64_t before = clip(left(unit, asked->x0[strip]), grid->w) * grid->c, to_end = x1 * out->out_c - before;
    most = at_least(most, rows + (is_last ? ahead_within_a_row(w, unit, grid, x0, x1) : to_end));
    if (again > INT64_MIN) most = at_least(most, again + to_end);
    int64_t first = row_needed(w, unit, grid, asked->rows, 0) * line + before;
    if (x0 > 0) most = at_least(most, (out->out_h - 1) * row + x0 * out->out_c - first);
  }
  return most;
}

/* Bytes by which `tensor` has to start behind the output; -1 if its readers see it in different layouts. */
static int64_t distance(const walk_t *w, int64_t schedule, int64_t tensor) {
  const msf_core_input *layout = NULL;
  int64_t most = 0;
  for (int64_t n = 0; n < w->outside_count; n++) {
    if (w->tensors[w->outside[n]].itself != tensor) continue;
    for (int64_t reader = w->reader[w->outside[n]]; reader >= 0; reader = w->readers[reader].next) {
      const msf_core_unit *unit = &w->units[w->readers[reader].unit];
      for (int64_t at = unit->inputs; at < unit->inputs + unit->input_count; at++) {
        const msf_core_input *grid = &w->network->inputs[at];
        if (w->tensors[grid->tensor].itself != tensor) continue;
        if (layout && (layout->h != grid->h || layout->w != grid->w || layout->c != grid->c)) return -1;
        layout = grid;
        int64_t ahead = distance_to_reader(w, schedule, w->readers[reader].unit, grid);
        most = at_least(most, maker_of_output(w)->prefix_elements + ahead);
      }
    }
  }
  return aligned(most, w->limits->distance_alignment);
}

/* The input over which the output saves most bytes, and its distance. */
static void find_overlap(const walk_t *w, int64_t schedule, const int64_t *inputs, msf_core_block *block) {
  int64_t best = 0, output = w->tensors[maker_of_output(w)->output].nbytes;
  for (int64_t n = 1; n <= inputs[0]; n++) {
    const msf_core_tensor *tensor = &w->tensors[inputs[n]];
    if (tensor->last_use > w->last) continue;
    int64_t apart = distance(w, schedule, inputs[n]);
    int64_t gain = output + tensor->nbytes - at_least(output, apart + tensor->nbytes);
    if (apart < 0 || gain <= 0 || gain < best) continue; /* of two as good, the later one */
    best = gain;
    block->overlap_input = inputs[n];
    block->overlap = apart;
  }
}

/* ---- Blocks ---- */

static int compare(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* The inputs of the block so far behind those of shorter ones, their count in front. Their place; -1 if too many. */
static int64_t list_inputs(walk_t *w) {
  int64_t *inputs = w->walked->inputs + w->input_count, count = 0;
  int64_t *all = w->workspaces + w->width_count; /* room for all tensors */
  for (int64_t n = 0; n < w->outside_count; n++) all[n] = w->tensors[w->outside[n]].itself;
  qsort(all, (size_t)w->outside_count, sizeof(int64_t), compare);
  for (int64_t n = 0; n < w->outside_count; n++) {
    if (n > 0 && all[n] == all[n - 1]) continue;
    if (count == w->limits->most_inputs) return -1;
    inputs[1 + count++] = all[n];
  }
  inputs[0] = count;
  int64_t place = w->input_count;
  w->input_count += 1 + count;
  return place;
}

static int64_t added(const walk_t *w, const msf_core_block *block) {
  int64_t unit = w->limits->alignment, workspace = aligned(block->workspace, unit);
  if (block->overlap_input < 0) return workspace;
  int64_t upper = aligned(w->tensors[block->overlap_input].nbytes, unit);
  int64_t lower = aligned(w->tensors[maker_of_output(w)->output].nbytes, unit);
  return workspace - (upper + lower - at_least(lower, aligned(block->overlap, unit) + upper));
}

static int is_as_easy(const walk_t *w, const msf_core_block *block, const msf_core_block *rival) {
  if (aligned(block->workspace, w->limits->alignment) > aligned(rival->workspace, w->limits->alignment)) return 0;
  if (rival->overlap_input < 0) return 1;
  return block->overlap_input == rival->overlap_input && block->overlap <= rival->overlap;
}

/* Hands on, of `count` blocks of the same units, those that no other one at as few MACs is as easy to place as. */
static void hand_on_undominated(walk_t *w, int64_t count) {
  msf_core_block *kept = w->walked->blocks + w->walked->block_count;
  int64_t kept_count = 0, *order = w->found_order;
  for (int64_t n = 0; n < count; n++) {
    const msf_core_block *found = &w->found[n];
    int64_t place = n;
    for (; place > 0; place--) {
      const msf_core_block *before = &w->found[order[place - 1]];
      if (before->macs < found->macs) break;
      if (before->macs == found->macs && before->added <= found->added) break;
      order[place] = order[place - 1];
    }
    order[place] = n;
  }
  for (int64_t n = 0; n < count; n++) {
    const msf_core_block *block = &w->found[order[n]];
    int is_beaten = 0;
    for (int64_t other = 0; other < kept_count && !is_beaten; other++) is_beaten = is_as_easy(w, &kept[other], block);
    if (!is_beaten) kept[kept_count++] = *block;
  }
  w->walked->block_count += kept_count;
}

static void find_blocks(walk_t *w, int64_t first, int undominated) {
  int64_t place = list_inputs(w), count = 0;
  if (place < 0) return;
  for (int64_t n = 0; n < w->living_count; n++) {
    int64_t schedule = w->living[n];
    if (w->workspaces[schedule] > w->most && first != w->last) continue;
    msf_core_block block = {first, schedule, w->workspaces[schedule], w->macs[schedule], place, -1, 0, 0};
    if (!w->has_state) find_overlap(w, schedule, w->walked->inputs + place, &block);
    block.added = added(w, &block);
    w->found[count++] = block;
  }
  if (undominated) {
    hand_on_undominated(w, count);
    return;
  }
  for (int64_t n = 0; n < count; n++) w->walked->blocks[w->walked->block_count++] = w->found[n];
}

/* Goes on with the schedules that need no more than there is, chunks aside. */
static int keep_small(walk_t *w) {
  int64_t kept = 0;
  for (int64_t n = 0; n < w->living_count; n++)
    if (without_chunks(w, w->living[n]) <= w->most) w->living[kept++] = w->living[n];
  w->living_count = kept;
  return kept > 0;
}

static void walk(walk_t *w, int undominated) {
  for (int64_t first = w->last; first >= 0; first--) {
    if (!take_in(w, first) || progress_bytes(w) > w->limits->progress_bytes * w->limits->most_groups) return;
    find_workspaces(w);
    for (int64_t n = 0; n < w->living_count; n++) w->walked->is_limited |= w->workspaces[w->living[n]] > w->most;
    find_blocks(w, first, undominated);
    if (w->not_made > w->limits->most_inputs || !keep_small(w)) return;
  }
}

static void set_up(walk_t *w) {
  const msf_core_network *network = w->network;
  w->strips = numbers(w, w->width_count + 1);
  w->living = numbers(w, w->width_count);
  w->root = numbers(w, network->unit_count);
  w->next = numbers(w, network->unit_count);
  w->groups = calloc((size_t)w->limits->most_groups + 1, sizeof(group_t));
  w->reader = numbers(w, network->tensor_count);
  w->read_by = numbers(w, network->tensor_count);
  w->outside = numbers(w, network->tensor_count);
  w->macs = numbers(w, w->width_count);
  w->ring_bytes = numbers(w, w->width_count);
  w->workspaces = numbers(w, w->width_count + network->tensor_count);
  w->found_order = numbers(w, w->width_count);
  w->by_rows = numbers(w, w->limits->most_groups + 1);
  w->found = calloc((size_t)w->width_count, sizeof(msf_core_block));
  w->taken = calloc((size_t)network->unit_count, sizeof(taken_t));
  int64_t reads = 0;
  for (int64_t unit = 0; unit <= w->last; unit++) reads += w->units[unit].read_count;
  w->readers = calloc((size_t)at_least(reads, 1), sizeof(reader_t));
  if (!w->groups || !w->found || !w->taken || !w->readers) w->status = MSF_CORE_NO_MEMORY;
  if (w->status == MSF_CORE_NO_MEMORY) return;
  for (int64_t schedule = 0; schedule < w->width_count; schedule++) {
    int64_t width = w->widths[schedule];
    w->living[w->living_count++] = schedule;
    w->strips[schedule + 1] = w->strips[schedule] + (maker_of_output(w)->out_w + width - 1) / width;
  }
  w->strip_count = w->strips[w->width_count];
  for (int64_t unit = 0; unit < network->unit_count; unit++) w->next[unit] = -1;
  for (int64_t tensor = 0; tensor < network->tensor_count; tensor++) w->reader[tensor] = -1;
}

static void tear_down(walk_t *w) {
  for (int64_t number = 0; w->groups && number < w->group_count; number++) {
    free(w->groups[number].rows);
    free(w->groups[number].x0);
    free(w->groups[number].x1);
    free(w->groups[number].cols);
    free(w->groups[number].all_cols);
    free(w->groups[number].ring);
  }
  int64_t *owned[] = {w->strips,  w->living, w->root,       w->next,       w->reader,      w->read_by,
                      w->outside, w->macs,   w->ring_bytes, w->workspaces, w->found_order, w->by_rows};
  for (size_t n = 0; n < sizeof(owned) / sizeof(owned[0]); n++) free(owned[n]);
  free(w->groups);
  free(w->found);
  free(w->taken);
  free(w->readers);
}

int msf_core_walk(const msf_core_network *network, int64_t last, const int64_t *widths, int64_t width_count,
                  int64_t chunk, int64_t most, int undominated, msf_core_walked *walked) {
  walk_t w;
  memset(&w, 0, sizeof(w));
  w.network = network;
  w.units = network->units;
  w.tensors = network->tensors;
  w.limits = network->limits;
  w.widths = widths;
  w.width_count = width_count;
  w.last = last;
  w.chunk = chunk;
  w.most = most;
  w.height = network->units[last].out_h;
  w.walked = walked;
  w.status = MSF_CORE_FOUND;
  walked->block_count = walked->is_limited = 0;
  walked->reached = last + 1;
  set_up(&w);
  if (w.status == MSF_CORE_FOUND) walk(&w, undominated);
  tear_down(&w);
  return w.status;
}
