/*
 * Runs firmware on VexRiscv (RV32IMAC, five stages, 4 KiB of instruction cache and of data cache) as its Verilog says,
 * translated by Verilator:
 *
 *   vexriscv [--counts FILE] [--flash-waits N] [--flash-cache] [--cycles MOST] FIRMWARE.elf
 *
 * RAM answers at once. Flash takes N wait states more for each word; with --flash-cache, 16 KiB (eight ways, lines of 32
 * bytes, the longest unused is replaced) lie between it and the bus, and whatever is there answers at once. The
 * firmware's exit status is that of this command. FILE gets a line "region cycles N lines N" for each pair of marks:
 * clock cycles of the core, and lines that the cache of the flash fetched.
 */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "VVexRiscv.h"
#include "verilated.h"

namespace {

constexpr uint32_t kFlash = 0x40000000u, kFlashSize = 8u << 20, kRam = 0x40800000u, kMemorySize = 12u << 20;
constexpr uint32_t kMark = 0x90000000u, kConsole = 0x90000004u, kExit = 0x90000008u;
constexpr int kTimedOut = 124, kStrayAccess = 99;

struct Options {
  std::string firmware, counts;
  uint32_t flash_waits = 0;
  bool flash_cache = false;
  uint64_t most_cycles = 2000000000u;
};

Options ParseArguments(int count, char **words) {
  Options options;
  for (int i = 1; i < count; i++) {
    const std::string word = words[i];
    if (word == "--counts" && i + 1 < count) {
      options.counts = words[++i];
    } else if (word == "--flash-waits" && i + 1 < count) {
      options.flash_waits = static_cast<uint32_t>(std::strtoul(words[++i], nullptr, 10));
    } else if (word == "--cycles" && i + 1 < count) {
      options.most_cycles = std::strtoull(words[++i], nullptr, 10);
    } else if (word == "--flash-cache") {
      options.flash_cache = true;
    } else {
      options.firmware = word;
    }
  }
  return options;
}

/* What lies in front of the flash; remembers nothing but which lines are there. */
class FlashCache {
 public:
  bool Holds(uint32_t offset) {
    const int32_t line = static_cast<int32_t>(offset / kLineSize);
    int32_t *ways = lines_[static_cast<uint32_t>(line) % kSets];
    for (int i = 0; i < kWays; i++) {
      if (ways[i] != line) continue;
      MoveToFront(ways, i, line);
      return true;
    }
    MoveToFront(ways, kWays - 1, line);
    fetched_++;
    return false;
  }
  uint64_t fetched() const { return fetched_; }
  FlashCache() { std::memset(lines_, -1, sizeof lines_); }

 private:
  static constexpr uint32_t kLineSize = 32, kSets = 64;
  static constexpr int kWays = 8;
  static void MoveToFront(int32_t *ways, int from, int32_t line) {
    std::memmove(ways + 1, ways, static_cast<size_t>(from) * sizeof *ways);
    ways[0] = line;
  }
  int32_t lines_[kSets][kWays];
  uint64_t fetched_ = 0;
};

class Memory {
 public:
  explicit Memory(const Options &options) : options_(options), bytes_(kMemorySize) {}

  bool Load(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> elf((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (elf.size() < 52 || std::memcmp(elf.data(), "\177ELF\1", 5) != 0) return false;
    const uint32_t table = Field<uint32_t>(elf, 28), size = Field<uint16_t>(elf, 42), count = Field<uint16_t>(elf, 44);
    for (uint32_t i = 0; i < count; i++) {
      const uint32_t at = table + i * size;
      const uint32_t offset = Field<uint32_t>(elf, at + 4), address = Field<uint32_t>(elf, at + 12);
      const uint32_t length = Field<uint32_t>(elf, at + 16);
      if (Field<uint32_t>(elf, at) != 1 || length == 0) continue;
      if (address < kFlash || address - kFlash > kMemorySize - length || offset + length > elf.size()) return false;
      std::memcpy(&bytes_[address - kFlash], elf.data() + offset, length);
    }
    return true;
  }

  static bool Has(uint32_t address) { return address >= kFlash && address < kFlash + kMemorySize; }

  uint32_t Read(uint32_t address) const {
    uint32_t word;
    std::memcpy(&word, &bytes_[address - kFlash], 4);
    return word;
  }

  void Write(uint32_t address, uint32_t word, uint32_t enabled) {
    for (uint32_t i = 0; i < 4; i++) {
      if (enabled >> i & 1) bytes_[address - kFlash + i] = static_cast<uint8_t>(word >> 8 * i);
    }
  }

  uint32_t Waits(uint32_t address) {
    if (address < kFlash || address >= kFlash + kFlashSize) return 0;
    if (options_.flash_cache && cache_.Holds(address - kFlash)) return 0;
    return options_.flash_waits;
  }

  uint64_t fetched() const { return cache_.fetched(); }

 private:
  template <typename T>
  static T Field(const std::vector<char> &elf, uint32_t at) {
    T value = 0;
    if (at + sizeof value <= elf.size()) std::memcpy(&value, elf.data() + at, sizeof value);
    return value;
  }
  const Options &options_;
  std::vector<uint8_t> bytes_;
  FlashCache cache_;
};

/* One of the core's two buses: how long a request has still to wait. */
class Port {
 public:
  bool IsAnswered(bool requested, uint32_t address, Memory *memory) {
    if (!requested) return false;
    if (!waiting_) {
      waiting_ = true;
      left_ = memory->Waits(address);
    }
    if (left_ > 0) {
      left_--;
      return false;
    }
    waiting_ = false;
    return true;
  }

 private:
  bool waiting_ = false;
  uint32_t left_ = 0;
};

class Machine {
 public:
  Machine(const Options &options, Memory *memory) : options_(options), memory_(memory) {}

  int Run() {
    core_.externalResetVector = kFlash;
    core_.reset = 1;
    for (int i = 0; i < 10; i++) {
      core_.clk ^= 1;
      core_.eval();
    }
    core_.reset = 0;
    while (status_ < 0 && cycles_ < options_.most_cycles) TakeCycle();
    if (status_ < 0) {
      std::fprintf(stderr, "%s did not end within %llu cycles\n", options_.firmware.c_str(),
                   static_cast<unsigned long long>(options_.most_cycles));
    }
    return status_ < 0 ? kTimedOut : status_;
  }

  const std::string &regions() const { return regions_; }

 private:
  void TakeCycle() {
    const uint32_t fetched = core_.iBusWishbone_ADR << 2, touched = core_.dBusWishbone_ADR << 2;
    const bool fetches = core_.iBusWishbone_CYC && core_.iBusWishbone_STB;
    const bool touches = core_.dBusWishbone_CYC && core_.dBusWishbone_STB;
    core_.iBusWishbone_ACK = instructions_.IsAnswered(fetches, fetched, memory_);
    if (core_.iBusWishbone_ACK) core_.iBusWishbone_DAT_MISO = ReadWord(fetched);
    core_.dBusWishbone_ACK = data_.IsAnswered(touches, touched, memory_);
    if (core_.dBusWishbone_ACK && !core_.dBusWishbone_WE) core_.dBusWishbone_DAT_MISO = ReadWord(touched);
    if (core_.dBusWishbone_ACK && core_.dBusWishbone_WE) {
      Store(touched, core_.dBusWishbone_DAT_MOSI, core_.dBusWishbone_SEL);
    }
    core_.clk = 0;
    core_.eval();
    core_.clk = 1;
    core_.eval();
    cycles_++;
  }

  uint32_t ReadWord(uint32_t address) {
    if (Memory::Has(address)) return memory_->Read(address);
    return 0; /* the core may fetch ahead of where the program ends */
  }

  void Store(uint32_t address, uint32_t word, uint32_t enabled) {
    if (Memory::Has(address)) {
      memory_->Write(address, word, enabled);
    } else if (address == kConsole) {
      std::putchar(static_cast<int>(word & 255));
    } else if (address == kExit) {
      status_ = static_cast<int>(word & 255);
    } else if (address == kMark) {
      Mark(word != 0);
    } else {
      std::fprintf(stderr, "store to 0x%x\n", address);
      status_ = kStrayAccess;
    }
  }

  void Mark(bool begins) {
    if (!begins) {
      regions_ += "region cycles " + std::to_string(cycles_ - begun_at_) + " lines " +
                  std::to_string(memory_->fetched() - fetched_before_) + "\n";
    }
    begun_at_ = cycles_;
    fetched_before_ = memory_->fetched();
  }

  const Options &options_;
  Memory *memory_;
  VVexRiscv core_;
  Port instructions_, data_;
  std::string regions_;
  uint64_t cycles_ = 0, begun_at_ = 0, fetched_before_ = 0;
  int status_ = -1;
};

}  // namespace

int main(int count, char **words) {
  const Options options = ParseArguments(count, words);
  const auto memory = std::make_unique<Memory>(options);
  if (!memory->Load(options.firmware)) {
    std::fprintf(stderr, "vexriscv: %s is no ELF file for its memory\n", options.firmware.c_str());
    return 2;
  }
  const auto machine = std::make_unique<Machine>(options, memory.get());
  const int status = machine->Run();
  if (!options.counts.empty()) std::ofstream(options.counts) << machine->regions() << "total\n";
  return status;
}
