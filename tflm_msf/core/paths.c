/* A* as in tflm_msf/search/shortest.py, decision by decision: that module says what it does and why. */
#include "core.h"

#include <stdlib.h>
#include <string.h>

enum { WAYS_AT_FIRST = 4, BUCKETS_AT_FIRST = 256, STATES_BETWEEN_LOOKS = 256 };

typedef struct {
  void *items;
  size_t size, count, room; /* bytes of each, how many there are, and may be */
} list_t;

/* What an edge is in a no-good. Those of an edge are linked, the newest no-good first; `next` is 0 after the last. */
typedef struct {
  size_t next;
  int32_t nogood, position;
} role_t;

typedef struct {
  int64_t needed;
  int32_t length;
} nogood_t;

/* A no-good that a path is in the middle of, and how many of its edges it has taken. */
typedef struct {
  int32_t nogood, taken;
} begun_t;

/* The ways out of a cut that were asked for so far. */
typedef struct {
  msf_core_way *ways;
  int32_t count, are_all;
} exits_t;

/* A path to a cut: `edge` is its last and `parent` the path before it; its no-goods lie from `begun` on, the newest
 * first; `exits` is where the ways on are. */
typedef struct {
  int64_t macs, taken, edge, end;
  size_t parent, begun, begun_count, exits;
} path_t;

/* The way at `place` on from a path, in the queue. */
typedef struct {
  int64_t total, taken, end;
  size_t pushed, path;
  int32_t place;
} entry_t;

/* Paths that were gone on from, by where they end and what they are in the middle of; `next` as for roles. */
typedef struct {
  uint64_t hash;
  size_t next, path;
} state_t;

struct msf_core_paths {
  msf_core_edges edges;
  int64_t cuts, limit, side;
  const int64_t *rest_macs, *rest_edges;
  exits_t *exits; /* cuts x side */
  size_t *first_role, *buckets;
  size_t bucket_count, bucket_room, pushed;
  list_t roles, nogoods, asked, begun, paths, queue, states;
  int failed;
};

/* Makes room for one more, and gives its place; the list stays as it is where there is none. */
static size_t append(msf_core_paths *s, list_t *list) {
  if (list->count == list->room) {
    size_t room = 2 * list->room + 64;
    void *items = realloc(list->items, room * list->size);
    if (!items) {
      s->failed = 1;
      return 0;
    }
    list->items = items;
    list->room = room;
  }
  return list->count++;
}

static role_t *roles(const msf_core_paths *s) { return s->roles.items; }
static nogood_t *nogoods(const msf_core_paths *s) { return s->nogoods.items; }
static begun_t *begun(const msf_core_paths *s) { return s->begun.items; }
static path_t *paths(const msf_core_paths *s) { return s->paths.items; }
static entry_t *queue(const msf_core_paths *s) { return s->queue.items; }
static state_t *states(const msf_core_paths *s) { return s->states.items; }

msf_core_paths *msf_core_paths_new(const msf_core_edges *edges, int64_t cuts) {
  msf_core_paths *s = calloc(1, sizeof(*s));
  if (!s) return NULL;
  s->edges = *edges;
  s->cuts = cuts;
  s->roles.size = sizeof(role_t);
  s->nogoods.size = sizeof(nogood_t);
  s->asked.size = sizeof(size_t);
  s->begun.size = sizeof(begun_t);
  s->paths.size = sizeof(path_t);
  s->queue.size = sizeof(entry_t);
  s->states.size = sizeof(state_t);
  s->first_role = calloc((size_t)edges->starts[cuts] + 1, sizeof(size_t));
  if (s->first_role) return s;
  free(s);
  return NULL;
}

static void forget_exits(msf_core_paths *s) {
  const size_t *asked = s->asked.items;
  for (size_t n = 0; n < s->asked.count; n++) free(s->exits[asked[n]].ways);
  s->asked.count = 0;
  free(s->exits);
  s->exits = NULL;
}

void msf_core_paths_free(msf_core_paths *s) {
  forget_exits(s);
  free(s->first_role);
  free(s->buckets);
  list_t *lists[] = {&s->roles, &s->nogoods, &s->asked, &s->begun, &s->paths, &s->queue, &s->states};
  for (size_t n = 0; n < sizeof(lists) / sizeof(*lists); n++) free(lists[n]->items);
  free(s);
}

int msf_core_paths_avoid(msf_core_paths *s, const int64_t *edges, const int32_t *positions, int32_t count,
                         int32_t length, int64_t needed) {
  size_t nogood = append(s, &s->nogoods);
  if (s->failed) return 0;
  nogoods(s)[nogood] = (nogood_t){needed, length};
  for (int32_t n = 0; n < count; n++) {
    size_t role = append(s, &s->roles);
    if (s->failed) return 0;
    roles(s)[role] = (role_t){s->first_role[edges[n]], (int32_t)nogood, positions[n]};
    s->first_role[edges[n]] = role + 1;
  }
  return 1;
}

int msf_core_paths_within(msf_core_paths *s, const int64_t *rest_macs, const int64_t *rest_edges, int64_t side) {
  forget_exits(s);
  s->rest_macs = rest_macs;
  s->rest_edges = rest_edges;
  s->side = side;
  s->exits = calloc((size_t)(s->cuts * side) + 1, sizeof(exits_t));
  return s->exits != NULL;
}

/* The way at `place` out of a cut; NULL if there are fewer. */
static const msf_core_way *way_at(msf_core_paths *s, size_t number, int32_t place) {
  exits_t *exits = &s->exits[number];
  while (place >= exits->count && !exits->are_all) {
    int32_t room = exits->count + (exits->count > WAYS_AT_FIRST ? exits->count : WAYS_AT_FIRST);
    msf_core_way *ways = realloc(exits->ways, (size_t)room * sizeof(*ways));
    if (!ways) {
      s->failed = 1;
      return NULL;
    }
    if (!exits->ways) {
      size_t asked = append(s, &s->asked);
      if (s->failed) {
        free(ways);
        return NULL;
      }
      ((size_t *)s->asked.items)[asked] = number;
    }
    exits->ways = ways;
    exits->count = msf_core_ways(&s->edges, (int64_t)number / s->side, s->limit, s->rest_macs, s->rest_edges, s->side,
                                 (int64_t)number % s->side, room, ways);
    exits->are_all = exits->count < room;
  }
  return place < exits->count ? &exits->ways[place] : NULL;
}

static int comes_before(const entry_t *a, const entry_t *b) {
  if (a->total != b->total) return a->total < b->total;
  if (a->taken != b->taken) return a->taken < b->taken;
  if (a->end != b->end) return a->end > b->end;
  return a->pushed < b->pushed;
}

static void push(msf_core_paths *s, size_t path, int32_t place) {
  const path_t *from = &paths(s)[path];
  const msf_core_way *way = way_at(s, from->exits, place);
  if (!way) return;
  entry_t entry = {from->macs + way->total, from->taken + way->taken, way->end, ++s->pushed, path, place};
  size_t here = append(s, &s->queue);
  if (s->failed) return;
  entry_t *heap = queue(s);
  for (; here > 0 && comes_before(&entry, &heap[(here - 1) / 2]); here = (here - 1) / 2)
    heap[here] = heap[(here - 1) / 2];
  heap[here] = entry;
}

static entry_t pop(msf_core_paths *s) {
  entry_t *heap = queue(s), best = heap[0], last = heap[--s->queue.count];
  size_t here = 0, count = s->queue.count;
  for (size_t below = 1; below < count; below = 2 * here + 1) {
    if (below + 1 < count && comes_before(&heap[below + 1], &heap[below])) below++;
    if (!comes_before(&heap[below], &last)) break;
    heap[here] = heap[below];
    here = below;
  }
  heap[here] = last;
  push(s, best.path, best.place + 1);
  return best;
}

/* Writes what a path is in the middle of after `edge`, behind all that is known. 0 if that completes a no-good. */
static int after(msf_core_paths *s, const path_t *path, int64_t edge) {
  size_t known = path->begun, end = path->begun + path->begun_count;
  for (size_t number = s->first_role[edge]; number; number = roles(s)[number - 1].next) {
    role_t role = roles(s)[number - 1];
    const nogood_t *nogood = &nogoods(s)[role.nogood];
    if (nogood->needed <= s->limit) continue;
    while (known < end && begun(s)[known].nogood > role.nogood) known++;
    if (role.position > 0 &&
        (known == end || begun(s)[known].nogood != role.nogood || begun(s)[known].taken != role.position))
      continue;
    if (role.position + 1 == nogood->length) return 0;
    size_t place = append(s, &s->begun);
    if (s->failed) return 0;
    begun(s)[place] = (begun_t){role.nogood, role.position + 1};
  }
  return 1;
}

static uint64_t hash_of(const msf_core_paths *s, const path_t *path) {
  uint64_t hash = (uint64_t)path->end + 1;
  for (size_t n = 0; n < path->begun_count; n++) {
    begun_t at = begun(s)[path->begun + n];
    hash = (hash ^ ((uint64_t)(uint32_t)at.nogood << 32 | (uint32_t)at.taken)) * UINT64_C(0x9E3779B97F4A7C15);
    hash ^= hash >> 29;
  }
  return hash;
}

static int are_alike(const msf_core_paths *s, const path_t *a, const path_t *b) {
  if (a->end != b->end || a->begun_count != b->begun_count) return 0;
  return a->begun_count == 0 || memcmp(begun(s) + a->begun, begun(s) + b->begun, a->begun_count * sizeof(begun_t)) == 0;
}

/* Empties the table of states, which then has room for so many buckets. */
static void set_buckets(msf_core_paths *s, size_t count) {
  if (count > s->bucket_room) {
    size_t *buckets = realloc(s->buckets, count * sizeof(size_t));
    if (!buckets) {
      s->failed = 1;
      return;
    }
    s->buckets = buckets;
    s->bucket_room = count;
  }
  s->bucket_count = count;
  memset(s->buckets, 0, count * sizeof(size_t));
}

static void link_state(msf_core_paths *s, size_t number) {
  state_t *state = &states(s)[number];
  size_t *bucket = &s->buckets[state->hash & (s->bucket_count - 1)];
  state->next = *bucket;
  *bucket = number + 1;
}

/* Remembers a path, and gives 1, unless one that is no dearer was gone on from in the same state. */
static int is_better(msf_core_paths *s, size_t number) {
  const path_t *path = &paths(s)[number];
  uint64_t hash = hash_of(s, path);
  for (size_t state = s->buckets[hash & (s->bucket_count - 1)]; state; state = states(s)[state - 1].next) {
    if (states(s)[state - 1].hash != hash) continue;
    const path_t *other = &paths(s)[states(s)[state - 1].path];
    if (other->macs <= path->macs && other->taken <= path->taken && are_alike(s, other, path)) return 0;
  }
  size_t made = append(s, &s->states);
  if (s->failed) return 0;
  states(s)[made] = (state_t){hash, 0, number};
  link_state(s, made);
  if (s->states.count > s->bucket_count) {
    set_buckets(s, 2 * s->bucket_count);
    for (size_t n = 0; n < s->states.count && !s->failed; n++) link_state(s, n);
  }
  return 1;
}

/* Where the ways out of a cut are, if `left` more edges may be taken. */
static size_t exits_of(const msf_core_paths *s, int64_t cut, int64_t left) {
  return (size_t)(cut * s->side + (s->side > 1 ? left - 1 : 0));
}

/* Adds the path that goes on from another over a way; 0, and it is not there, if it is dead. */
static int extend(msf_core_paths *s, size_t parent, const msf_core_way *way) {
  path_t from = paths(s)[parent];
  size_t start = s->begun.count;
  if (!after(s, &from, way->edge)) {
    s->begun.count = start;
    return 0;
  }
  size_t number = append(s, &s->paths);
  if (s->failed) return 0;
  paths(s)[number] =
      (path_t){from.macs + way->macs, from.taken + 1, way->edge, way->end, parent, start, s->begun.count - start, 0};
  return 1;
}

static void drop_last(msf_core_paths *s) { s->begun.count = paths(s)[--s->paths.count].begun; }

static int32_t write_trail(const msf_core_paths *s, size_t number, int64_t *trail) {
  int32_t count = (int32_t)paths(s)[number].taken;
  for (int32_t place = count; place > 0; number = paths(s)[number].parent) trail[--place] = paths(s)[number].edge;
  return count;
}

static void start(msf_core_paths *s, int64_t max_edges) {
  s->begun.count = s->paths.count = s->queue.count = s->states.count = s->pushed = 0;
  s->failed = 0;
  set_buckets(s, BUCKETS_AT_FIRST);
  size_t root = append(s, &s->paths);
  if (s->failed) return;
  paths(s)[root] = (path_t){0, 0, 0, 0, 0, 0, 0, exits_of(s, 0, max_edges)};
  push(s, root, 0);
}

int msf_core_paths_best(msf_core_paths *s, int64_t head_limit, int64_t max_edges, int64_t most_states,
                        int (*is_spent)(void), int64_t *trail, int32_t *trail_count, int64_t *least) {
  if (max_edges <= 0) return MSF_CORE_NONE;
  s->limit = head_limit;
  start(s, max_edges);
  for (int64_t expanded = 0; s->queue.count > 0 && !s->failed;) {
    entry_t entry = pop(s);
    if (s->failed) break;
    const msf_core_way *way = way_at(s, paths(s)[entry.path].exits, entry.place);
    int64_t taken = paths(s)[entry.path].taken + 1;
    if (!way || taken > max_edges || !extend(s, entry.path, way)) continue;
    size_t number = s->paths.count - 1;
    if (paths(s)[number].end == s->cuts) {
      *trail_count = write_trail(s, number, trail);
      return MSF_CORE_FOUND;
    }
    if (!is_better(s, number)) {
      drop_last(s);
      continue;
    }
    expanded++;
    *least = entry.total;
    if (expanded > most_states) return MSF_CORE_CUT_SHORT;
    if (expanded % STATES_BETWEEN_LOOKS == 0 && expanded > s->cuts && is_spent()) return MSF_CORE_CUT_SHORT;
    if (taken == max_edges) continue;
    paths(s)[number].exits = exits_of(s, paths(s)[number].end, max_edges - taken);
    push(s, number, 0);
  }
  return s->failed ? MSF_CORE_NO_MEMORY : MSF_CORE_NONE;
}
