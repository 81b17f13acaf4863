/*
 * A QEMU plugin that tells what an estimate of cycles needs: how often each instruction ran between two marks and how
 * often a branch there was taken, and how many lines caches of several kinds fetched from flash.
 *
 *   -plugin libprofile.so,begin=d246,end=db46,counts=FILE,flash=0x0,size=0x400000
 *
 * begin and end are the bytes of two instructions, in memory order; flash and size are the addresses of flash. For the
 * last pair of marks that ran, FILE has a line "at ADDRESS N TAKEN" for each instruction that ran, "cache NAME N" for each
 * cache, and at the end "total".
 */
#include <stdlib.h>
#include <unistd.h>

#include "plugin.h"

enum { OF_CODE = 1, OF_DATA = 2 };

typedef struct {
  const char *name;
  uint32_t line, sets, ways;
  int of;
  uint64_t *lines; /* for each set, the line that was used last first; 0: none, else one more than its number */
  uint64_t fetched;
} Cache;

static Cache caches[] = {
    {"art_code", 16, 1, 64, OF_CODE, NULL, 0}, /* STM32F4's ART accelerator */
    {"art_data", 16, 1, 8, OF_DATA, NULL, 0},
    {"xip16k", 32, 64, 8, OF_CODE | OF_DATA, NULL, 0}, /* ESP32-C3's, and the like */
    {"xip32k", 32, 128, 8, OF_CODE | OF_DATA, NULL, 0},
};
enum { CACHES = sizeof caches / sizeof caches[0] };

typedef struct {
  uint64_t start, end, last; /* addresses: of the first instruction, behind the last one, of the last one */
} Straight;

static Settings settings;
static uint64_t flash, flash_size;
static uint64_t *ran, *taken; /* by halfword of flash */
static const Straight *before;
static bool inside;

static void touch(Cache *cache, uint64_t address) {
  const uint64_t line = address / cache->line + 1;
  uint64_t *ways = cache->lines + line % cache->sets * cache->ways;
  uint32_t i = 0;
  while (i < cache->ways - 1 && ways[i] != line) i++;
  if (ways[i] != line) cache->fetched++;
  memmove(ways + 1, ways, i * sizeof *ways);
  ways[0] = line;
}

static bool is_flash(uint64_t address) { return address >= flash && address < flash + flash_size; }

static void forget(void) {
  memset(ran, 0, flash_size / 2 * sizeof *ran);
  memset(taken, 0, flash_size / 2 * sizeof *taken);
  for (int i = 0; i < CACHES; i++) {
    memset(caches[i].lines, 0, (size_t)caches[i].sets * caches[i].ways * sizeof *caches[i].lines);
    caches[i].fetched = 0;
  }
}

static void on_begin(unsigned cpu, void *data) {
  (void)cpu;
  (void)data;
  forget();
  inside = true;
}

/* What was told of an earlier pair of marks may be longer. */
static bool tell_anew(void) {
  rewind(settings.out);
  return ftruncate(fileno(settings.out), 0) == 0;
}

static void tell(void) {
  if (!tell_anew()) return;
  for (uint64_t i = 0; i < flash_size / 2; i++) {
    if (ran[i] == 0) continue;
    fprintf(settings.out, "at %llx %llu %llu\n", (unsigned long long)(flash + 2 * i), (unsigned long long)ran[i],
            (unsigned long long)taken[i]);
  }
  for (int i = 0; i < CACHES; i++)
    fprintf(settings.out, "cache %s %llu\n", caches[i].name, (unsigned long long)caches[i].fetched);
}

static void on_end(unsigned cpu, void *data) {
  (void)cpu;
  (void)data;
  if (inside) tell();
  inside = false;
}

/* Where a straight piece does not follow the one before it, the branch at that one's end was taken. */
static void on_straight(unsigned cpu, void *data) {
  const Straight *piece = data;
  (void)cpu;
  if (inside) {
    if (before != NULL && before->end != piece->start && is_flash(before->last)) taken[(before->last - flash) / 2]++;
    for (int i = 0; i < CACHES; i++) {
      if (!(caches[i].of & OF_CODE)) continue;
      for (uint64_t at = piece->start / caches[i].line * caches[i].line; at < piece->end; at += caches[i].line) {
        touch(&caches[i], at);
      }
    }
  }
  before = piece;
}

static void on_memory(unsigned cpu, MemoryInfo info, uint64_t address, void *data) {
  (void)cpu;
  (void)data;
  if (!inside || !is_flash(address) || qemu_plugin_mem_is_store(info)) return;
  for (int i = 0; i < CACHES; i++) {
    if (caches[i].of & OF_DATA) touch(&caches[i], address);
  }
}

static void on_translation(PluginId id, Block *block) {
  const size_t count = qemu_plugin_tb_n_insns(block);
  Straight *piece = malloc(sizeof *piece);
  (void)id;
  for (size_t i = 0; i < count; i++) {
    Instruction *instruction = qemu_plugin_tb_get_insn(block, i);
    const uint64_t address = qemu_plugin_insn_vaddr(instruction);
    if (i == 0) piece->start = address;
    piece->last = address;
    piece->end = address + qemu_plugin_insn_size(instruction);
    if (is_flash(address)) {
      qemu_plugin_register_vcpu_insn_exec_inline(instruction, INLINE_ADD, &ran[(address - flash) / 2], 1);
    }
    qemu_plugin_register_vcpu_mem_cb(instruction, on_memory, NO_REGISTERS, READS_AND_WRITES, NULL);
    if (is_mark(&settings.begin, instruction)) {
      qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_begin, NO_REGISTERS, NULL);
    } else if (is_mark(&settings.end, instruction)) {
      qemu_plugin_register_vcpu_insn_exec_cb(instruction, on_end, NO_REGISTERS, NULL);
    }
  }
  qemu_plugin_register_vcpu_tb_exec_cb(block, on_straight, NO_REGISTERS, piece);
}

static void on_exit_of_qemu(PluginId id, void *data) {
  (void)id;
  (void)data;
  fprintf(settings.out, "total\n");
  fclose(settings.out);
}

int qemu_plugin_install(PluginId id, const Info *info, int argc, char **argv) {
  bool ok = true;
  (void)info;
  for (int i = 0; i < argc; i++) {
    const char *value;
    ok = read_setting(argv[i], &settings) && ok;
    if ((value = value_of(argv[i], "flash")) != NULL) flash = strtoull(value, NULL, 0);
    if ((value = value_of(argv[i], "size")) != NULL) flash_size = strtoull(value, NULL, 0);
  }
  if (!ok || !is_told_all(&settings) || flash_size == 0) {
    fprintf(stderr,
            "profile: needs begin=, end= (hexadecimal), counts= (a file that can be written), flash= and size=\n");
    return 1;
  }
  ran = calloc(flash_size / 2, sizeof *ran);
  taken = calloc(flash_size / 2, sizeof *taken);
  for (int i = 0; i < CACHES; i++) {
    caches[i].lines = calloc((size_t)caches[i].sets * caches[i].ways, sizeof *caches[i].lines);
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  qemu_plugin_register_atexit_cb(id, on_exit_of_qemu, NULL);
  return 0;
}
