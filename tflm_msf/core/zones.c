/* The search of tflm_msf/arena/placement/dbm.py, decision by decision: that module says what it does and why. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

/*
 * What is alive at a step. Zones are difference-bound matrices with a side of `count` + 1, the bottom of the arena being
 * place 0.
 */
typedef struct {
  int32_t *items;    /* place - 1 -> item */
  int64_t *above;    /* side x side: least distance if the column's item lies above the row's; NULL if not entered */
  int32_t *staying;  /* places that come to the next step, the bottom among them */
  int64_t *hopeless; /* bounds of zones that led nowhere, one behind the other */
  int64_t *trace;    /* the zone that was settled last; NULL before */
  size_t hopeless_count, hopeless_room;
  int32_t count, came, stay; /* items, those of them from the step before, places in `staying` */
} step_t;

/* A task on the stack: its words lie in front of it. */
typedef struct {
  int32_t step, pairs; /* pairs < 0: the zone in front is exhausted */
} task_t;

typedef struct {
  const msf_core_span *spans;
  const msf_core_distance *distances;
  int32_t distance_count;
  step_t *steps;
  int32_t step_count, item_count, widest;
  int64_t limit;
  int64_t *words; /* the stack: zones and pairs */
  size_t top, room;
  size_t held, most_held; /* distances in zones that are kept, and how many may be */
  int64_t *zone, *other;  /* side x side of the widest step */
  int32_t *pairs, *left;  /* low, up, and so on */
  int64_t *rooms;         /* above, below, for each of `left` */
  int failed, is_full;
} search_t;

static void *allocate(search_t *s, size_t count, size_t size) {
  void *memory = calloc(count ? count : 1, size);
  if (!memory) s->failed = 1;
  return memory;
}

static size_t side_of(const step_t *step) { return (size_t)step->count + 1; }

static size_t side_that_comes(const step_t *step) { return (size_t)step->came + 1; }

static int compare_steps(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

static int is_alive(const msf_core_span *span, int32_t time) { return span->first <= time && time <= span->last; }

/* The items of a step: those that come from the one before, in their order there, then the new ones. */
static void fill_step(search_t *s, int32_t number, int32_t time) {
  step_t *step = &s->steps[number];
  step->items = allocate(s, (size_t)s->item_count, sizeof(int32_t));
  if (!step->items) return;
  if (number > 0) {
    const step_t *before = &s->steps[number - 1];
    for (int32_t place = 0; place < before->count; place++)
      if (is_alive(&s->spans[before->items[place]], time)) step->items[step->count++] = before->items[place];
  }
  step->came = step->count;
  for (int32_t item = 0; item < s->item_count; item++) {
    int known = 0;
    for (int32_t place = 0; place < step->came; place++) known |= step->items[place] == item;
    if (!known && is_alive(&s->spans[item], time)) step->items[step->count++] = item;
  }
  if (step->count > s->widest) s->widest = step->count;
}

static void fill_staying(search_t *s, int32_t number, int32_t next_time) {
  step_t *step = &s->steps[number];
  step->staying = allocate(s, side_of(step), sizeof(int32_t));
  if (!step->staying) return;
  step->stay = 1;
  for (int32_t place = 1; place <= step->count; place++)
    if (number + 1 < s->step_count && is_alive(&s->spans[step->items[place - 1]], next_time))
      step->staying[step->stay++] = place;
}

static void fill_distances(search_t *s, step_t *step) {
  size_t side = side_of(step);
  step->above = allocate(s, side * side, sizeof(int64_t));
  if (!step->above) return;
  for (size_t low = 1; low < side; low++)
    for (size_t up = 1; up < side; up++) step->above[low * side + up] = s->spans[step->items[low - 1]].size;
  for (int32_t n = 0; n < s->distance_count; n++) {
    size_t low = 0, up = 0;
    for (size_t place = 1; place < side; place++) {
      if (step->items[place - 1] == s->distances[n].low) low = place;
      if (step->items[place - 1] == s->distances[n].up) up = place;
    }
    if (low && up) step->above[low * side + up] = s->distances[n].bytes;
  }
}

static void set_up(search_t *s) {
  int32_t *times = allocate(s, (size_t)s->item_count, sizeof(int32_t));
  if (!times) return;
  for (int32_t item = 0; item < s->item_count; item++) times[item] = s->spans[item].first;
  qsort(times, (size_t)s->item_count, sizeof(int32_t), compare_steps);
  for (int32_t item = 0; item < s->item_count; item++)
    if (item == 0 || times[item] != times[s->step_count - 1]) times[s->step_count++] = times[item];
  s->steps = allocate(s, (size_t)s->step_count, sizeof(step_t));
  for (int32_t step = 0; step < s->step_count && !s->failed; step++) fill_step(s, step, times[step]);
  for (int32_t step = 0; step < s->step_count && !s->failed; step++)
    fill_staying(s, step, step + 1 < s->step_count ? times[step + 1] : 0);
  free(times);
  size_t side = (size_t)s->widest + 1;
  s->zone = allocate(s, side * side, sizeof(int64_t));
  s->other = allocate(s, side * side, sizeof(int64_t));
  s->pairs = allocate(s, side * side, sizeof(int32_t));
  s->left = allocate(s, side * side, sizeof(int32_t));
  s->rooms = allocate(s, side * side, sizeof(int64_t));
}

static void tear_down(search_t *s) {
  for (int32_t number = 0; s->steps && number < s->step_count; number++) {
    step_t *step = &s->steps[number];
    free(step->items);
    free(step->above);
    free(step->staying);
    free(step->hopeless);
    free(step->trace);
  }
  free(s->steps);
  free(s->words);
  free(s->zone);
  free(s->other);
  free(s->pairs);
  free(s->left);
  free(s->rooms);
}

/* Counts what is kept of zones, and stops the search where that is too much. */
static void hold(search_t *s, size_t side) {
  s->held += side * side;
  if (s->held > s->most_held) s->is_full = 1;
}

/* Room for `count` words and a task on the stack; NULL if there is none. */
static int64_t *push(search_t *s, size_t count, int32_t step, int32_t pairs) {
  if (s->room - s->top < count + 1) {
    size_t room = 2 * s->room + count + 1024;
    int64_t *words = realloc(s->words, room * sizeof(int64_t));
    if (!words) {
      s->failed = 1;
      return NULL;
    }
    s->words = words;
    s->room = room;
  }
  int64_t *start = s->words + s->top;
  task_t task = {step, pairs};
  s->top += count + 1;
  memcpy(s->words + s->top - 1, &task, sizeof(task));
  return start;
}

static size_t words_of_node(const step_t *step, int32_t pairs) {
  return side_of(step) * side_of(step) + (size_t)pairs; /* a pair takes two 32-bit halves */
}

static void push_node(search_t *s, int32_t number, const int64_t *zone, const int32_t *pairs, int32_t count) {
  size_t side = side_of(&s->steps[number]);
  int64_t *start = push(s, words_of_node(&s->steps[number], count), number, count);
  if (!start) return;
  hold(s, side);
  memcpy(start, zone, side * side * sizeof(int64_t));
  memcpy(start + side * side, pairs, 2 * (size_t)count * sizeof(int32_t));
}

static int is_inside(const int64_t *bounds, const int64_t *others, size_t count) {
  for (size_t n = 0; n < count; n++)
    if (bounds[n] < others[n]) return 0;
  return 1;
}

static int is_hopeless(const step_t *step, const int64_t *bounds) {
  size_t size = side_that_comes(step) * side_that_comes(step);
  for (size_t n = 0; n < step->hopeless_count; n++)
    if (is_inside(bounds, step->hopeless + n * size, size)) return 1;
  return 0;
}

static void give_up_zone(search_t *s, step_t *step, const int64_t *bounds) {
  size_t size = side_that_comes(step) * side_that_comes(step), kept = 0;
  for (size_t n = 0; n < step->hopeless_count; n++) {
    const int64_t *other = step->hopeless + n * size;
    if (is_inside(other, bounds, size)) continue;
    if (kept != n) memcpy(step->hopeless + kept * size, other, size * sizeof(int64_t));
    kept++;
  }
  s->held -= (step->hopeless_count - kept) * size;
  step->hopeless_count = kept;
  if (kept == step->hopeless_room) {
    size_t room = 2 * step->hopeless_room + 8;
    int64_t *hopeless = realloc(step->hopeless, room * size * sizeof(int64_t));
    if (!hopeless) {
      s->failed = 1;
      return;
    }
    step->hopeless = hopeless;
    step->hopeless_room = room;
  }
  memcpy(step->hopeless + kept * size, bounds, size * sizeof(int64_t));
  step->hopeless_count++;
}

/* The zone that came with the new items anywhere between the bottom and the limit. */
static void with_new(const search_t *s, const step_t *step, const int64_t *came, int64_t *zone) {
  size_t old = side_that_comes(step), side = side_of(step);
  for (size_t low = 0; low < old; low++)
    for (size_t up = 0; up < side; up++) zone[low * side + up] = came[low * old + (up < old ? up : 0)];
  for (size_t low = old; low < side; low++) {
    int64_t highest = s->limit - s->spans[step->items[low - 1]].size;
    for (size_t up = 0; up < side; up++) zone[low * side + up] = low == up ? 0 : zone[up] - highest;
  }
}

/* Goes on with a step to which the zone `came`. True if there is no such step. */
static int enter(search_t *s, int32_t number, const int64_t *came) {
  if (number == s->step_count) return 1;
  step_t *step = &s->steps[number];
  if (is_hopeless(step, came)) return 0;
  size_t old = side_that_comes(step), side = side_of(step);
  if (!step->above) fill_distances(s, step);
  int64_t *start = push(s, old * old, number, -1);
  if (!start || s->failed) return 0;
  hold(s, old);
  memcpy(start, came, old * old * sizeof(int64_t));
  with_new(s, step, start, s->zone);
  int32_t count = 0;
  for (size_t up = old; up < side; up++)
    for (size_t low = 1; low < up; low++) {
      s->pairs[2 * count] = (int32_t)low;
      s->pairs[2 * count++ + 1] = (int32_t)up;
    }
  push_node(s, number, s->zone, s->pairs, count);
  return 0;
}

/* Adds that `up` starts at least `distance` above `low`, for which there is room. */
static void narrow(int64_t *zone, size_t side, size_t low, size_t up, int64_t distance) {
  const int64_t *beyond = zone + up * side; /* its own row stays as it is: going round costs nothing */
  for (size_t row = 0; row < side; row++) {
    int64_t to_up = zone[row * side + low] + distance;
    for (size_t place = 0; place < side; place++)
      if (to_up + beyond[place] > zone[row * side + place]) zone[row * side + place] = to_up + beyond[place];
  }
}

/* Narrows the zone where one of two items has no room above the other. Returns how many of `count` pairs are not
 * settled then, with the room on both sides, or -1 if one has no room on either. */
static int32_t settle(search_t *s, const step_t *step, int64_t *zone, int32_t *pairs, int32_t count) {
  size_t side = side_of(step);
  for (int changed = 1; changed;) {
    int32_t open = 0;
    changed = 0;
    for (int32_t n = 0; n < count; n++) {
      size_t low = (size_t)pairs[2 * n], up = (size_t)pairs[2 * n + 1];
      int64_t above = step->above[low * side + up], below = step->above[up * side + low];
      if (zone[low * side + up] >= above || zone[up * side + low] >= below) continue;
      int64_t room_above = -zone[up * side + low] - above, room_below = -zone[low * side + up] - below;
      if (room_above < 0 && room_below < 0) return -1;
      if (room_above >= 0 && room_below >= 0) {
        pairs[2 * open] = (int32_t)low;
        pairs[2 * open + 1] = (int32_t)up;
        s->rooms[2 * open] = room_above;
        s->rooms[2 * open++ + 1] = room_below;
      } else {
        changed = 1;
        if (room_above >= 0)
          narrow(zone, side, low, up, above);
        else
          narrow(zone, side, up, low, below);
      }
    }
    count = open;
  }
  return count;
}

/* Goes on with the next step, which only those items take part in that are still alive. */
static int leave(search_t *s, int32_t number) {
  step_t *step = &s->steps[number];
  size_t side = side_of(step), stay = (size_t)step->stay;
  if (!step->trace) {
    hold(s, side);
    step->trace = allocate(s, side * side, sizeof(int64_t));
    if (!step->trace) return 0;
  }
  memcpy(step->trace, s->zone, side * side * sizeof(int64_t));
  for (size_t low = 0; low < stay; low++)
    for (size_t up = 0; up < stay; up++)
      s->other[low * stay + up] = s->zone[(size_t)step->staying[low] * side + (size_t)step->staying[up]];
  return enter(s, number + 1, s->other);
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* Settles the pair with the least room on one side, both ways. True if that was the last one of all. */
static int decide(search_t *s, int32_t number, int32_t count) {
  const step_t *step = &s->steps[number];
  size_t side = side_of(step);
  count = settle(s, step, s->zone, s->pairs, count);
  if (count < 0) return 0;
  if (count == 0) return leave(s, number);
  int32_t tightest = 0;
  for (int32_t n = 1; n < count; n++)
    if (smaller(s->rooms[2 * n], s->rooms[2 * n + 1]) < smaller(s->rooms[2 * tightest], s->rooms[2 * tightest + 1]))
      tightest = n;
  size_t low = (size_t)s->pairs[2 * tightest], up = (size_t)s->pairs[2 * tightest + 1];
  int up_first = s->rooms[2 * tightest] < s->rooms[2 * tightest + 1]; /* pushed first: tried last */
  int32_t others = 0;
  for (int32_t n = 0; n < count; n++)
    if (n != tightest) {
      s->left[2 * others] = s->pairs[2 * n];
      s->left[2 * others++ + 1] = s->pairs[2 * n + 1];
    }
  for (int turn = 0; turn < 2; turn++) {
    size_t from = (turn == 0) == up_first ? low : up, to = from == low ? up : low;
    memcpy(s->other, s->zone, side * side * sizeof(int64_t));
    narrow(s->other, side, from, to, step->above[from * side + to]);
    push_node(s, number, s->other, s->left, others);
  }
  return 0;
}

/* Back from the last step: the lowest offsets in each zone that go with those found already. */
static void find_offsets(const search_t *s, int64_t *offsets) {
  for (int32_t item = 0; item < s->item_count; item++) offsets[item] = -1;
  for (int32_t number = s->step_count - 1; number >= 0; number--) {
    const step_t *step = &s->steps[number];
    size_t side = side_of(step);
    for (size_t place = 1; place < side; place++) {
      if (offsets[step->items[place - 1]] >= 0) continue;
      int64_t offset = step->trace[place];
      for (size_t other = 1; other < side; other++) {
        int64_t known = offsets[step->items[other - 1]];
        if (known >= 0 && known + step->trace[other * side + place] > offset)
          offset = known + step->trace[other * side + place];
      }
      offsets[step->items[place - 1]] = offset;
    }
  }
}

static int run(search_t *s, int32_t nodes_left) {
  const int64_t bottom = 0;
  int done = enter(s, 0, &bottom);
  while (s->top > 0 && !done && !s->failed) {
    if (s->is_full) return MSF_CORE_CUT_SHORT;
    task_t task;
    memcpy(&task, s->words + s->top - 1, sizeof(task));
    step_t *step = &s->steps[task.step];
    if (task.pairs < 0) {
      s->top -= side_that_comes(step) * side_that_comes(step) + 1;
      give_up_zone(s, step, s->words + s->top);
      continue;
    }
    if (nodes_left-- == 0) return MSF_CORE_CUT_SHORT;
    size_t square = side_of(step) * side_of(step);
    s->held -= square;
    s->top -= words_of_node(step, task.pairs) + 1;
    memcpy(s->zone, s->words + s->top, square * sizeof(int64_t));
    memcpy(s->pairs, s->words + s->top + square, 2 * (size_t)task.pairs * sizeof(int32_t));
    done = decide(s, task.step, task.pairs);
  }
  return s->failed ? MSF_CORE_NO_MEMORY : done ? MSF_CORE_FOUND : MSF_CORE_NONE;
}

int msf_core_zones(const msf_core_span *spans, int32_t span_count, const msf_core_distance *distances,
                   int32_t distance_count, int64_t limit, int32_t most_nodes, int64_t most_held, int64_t *offsets) {
  search_t s = {0};
  s.spans = spans;
  s.item_count = span_count;
  s.distances = distances;
  s.distance_count = distance_count;
  s.limit = limit;
  s.most_held = (size_t)most_held;
  set_up(&s);
  int result = s.failed ? MSF_CORE_NO_MEMORY : run(&s, most_nodes);
  if (result == MSF_CORE_FOUND) find_offsets(&s, offsets);
  tear_down(&s);
  return result;
}
