/*
 * Runs firmware on the cycle model of an RP2040 (Cortex-M0+) that rp2040js has:
 *
 *   node run.js [--counts FILE] [--seconds N] FIRMWARE.elf
 *
 * The firmware's exit status is that of this command. Input and output go through semihosting, as under QEMU. FILE gets
 * a line "region instructions N cycles N lines N" for what ran between each pair of marks, and at the end "total N".
 *
 * Cycles are those of the core with every access to flash a hit. Lines are those of eight bytes that the 16 KiB
 * cache in front of the flash (two ways, the older one is replaced) had to fetch: what one costs hangs on the flash chip
 * and its clock. Accesses to the same line one after the other are one.
 */
'use strict';
const fs = require('fs');
const { RP2040 } = require('rp2040js');

const FLASH = 0x10000000;
const RAM = 0x20000000;
const MARKS = { begin: 0x46d2, end: 0x46db }; // mov r10, r10 and mov r11, r11
const TIMED_OUT = 124;
const FAULT = 99;
const CHECK_CLOCK_EVERY = 1 << 20; // instructions

function parseArguments(words) {
  const options = { counts: null, seconds: 300, firmware: null };
  for (let i = 0; i < words.length; i++) {
    if (words[i] === '--counts') options.counts = words[++i];
    else if (words[i] === '--seconds') options.seconds = Number(words[++i]);
    else options.firmware = words[i];
  }
  if (options.firmware === null) throw new Error('no firmware was named');
  return options;
}

/* Loadable segments of a 32-bit little-endian ELF file: where each goes and its bytes. */
function segments(elf) {
  if (elf.readUInt32BE(0) !== 0x7f454c46 || elf[4] !== 1) throw new Error('this is no 32-bit ELF file');
  const LOADABLE = 1;
  const [table, size, count] = [elf.readUInt32LE(28), elf.readUInt16LE(42), elf.readUInt16LE(44)];
  const found = [];
  for (let at = table; at < table + size * count; at += size) {
    if (elf.readUInt32LE(at) !== LOADABLE) continue;
    const [offset, physical, bytes] = [elf.readUInt32LE(at + 4), elf.readUInt32LE(at + 12), elf.readUInt32LE(at + 16)];
    if (bytes > 0) found.push({ address: physical, bytes: elf.subarray(offset, offset + bytes) });
  }
  return found;
}

/* The cache between the bus and the flash: 1,024 sets of two lines of eight bytes. */
class FlashCache {
  constructor() {
    this.tags = new Int32Array(2048).fill(-1);
    this.newer = new Uint8Array(1024);
    this.last = -1;
    this.fetched = 0;
  }

  touch(offset) {
    const line = offset >>> 3;
    if (line === this.last) return;
    this.last = line;
    const set = line & 1023;
    if (this.tags[2 * set] === line) this.newer[set] = 0;
    else if (this.tags[2 * set + 1] === line) this.newer[set] = 1;
    else {
      this.newer[set] ^= 1;
      this.tags[2 * set + this.newer[set]] = line;
      this.fetched++;
    }
  }
}

class StrayAccess extends Error {}

/* Flash and RAM of the chip by direct access to its arrays; what lies elsewhere ends the run. */
function connectMemory(chip, cache) {
  const flash = new DataView(chip.flash.buffer);
  const ram = new DataView(chip.sram.buffer);
  const flashSize = chip.flash.length;
  const ramSize = chip.sram.length;
  const stray = (address) => new StrayAccess(`access to 0x${(address >>> 0).toString(16)}`);
  const reader = (name, size) => (address) => {
    const inRam = (address >>> 0) - RAM;
    if (inRam >= 0 && inRam + size <= ramSize) return ram[name](inRam, true);
    const inFlash = (address >>> 0) - FLASH;
    if (inFlash < 0 || inFlash + size > flashSize || address % size !== 0) throw stray(address);
    cache.touch(inFlash);
    return flash[name](inFlash, true);
  };
  const writer = (name, size) => (address, value) => {
    const inRam = (address >>> 0) - RAM;
    if (inRam >= 0 && inRam + size <= ramSize && address % size === 0) ram[name](inRam, value, true);
    else if (address >>> 0 !== 0xe000ed88) throw stray(address); // a register that bigger cores have
  };
  chip.readUint8 = reader('getUint8', 1);
  chip.readUint16 = reader('getUint16', 2);
  const readWord = reader('getUint32', 4);
  chip.readUint32 = (address) => (address >>> 0 === 0xe000ed88 ? 0 : readWord(address));
  chip.writeUint8 = writer('setUint8', 1);
  chip.writeUint16 = writer('setUint16', 2);
  chip.writeUint32 = writer('setUint32', 4);
}

/* What newlib asks of a debugger: standard output, and to end with a status. Returns that status, or null to go on. */
class Semihosting {
  constructor(chip) {
    this.chip = chip;
    this.features = Buffer.from([0x53, 0x48, 0x46, 0x42, 3]); // "SHFB": exits may carry a status
    this.featuresAt = 0;
  }

  call() {
    const registers = this.chip.core.registers;
    const argument = (index) => this.chip.readUint32((registers[1] + 4 * index) >>> 0);
    const [STDOUT, FEATURES] = [1, 9];
    switch (registers[0]) {
      case 0x01: // open
        registers[0] = this.text(argument(0), argument(2)) === ':semihosting-features' ? FEATURES : STDOUT;
        return null;
      case 0x02: // close
        registers[0] = 0;
        return null;
      case 0x05: // write
        fs.writeSync(1, this.bytes(argument(1), argument(2)));
        registers[0] = 0;
        return null;
      case 0x06: // read
        registers[0] = argument(0) === FEATURES ? this.readFeatures(argument(1), argument(2)) : argument(2);
        return null;
      case 0x09: // is a terminal
        registers[0] = argument(0) === STDOUT ? 1 : 0;
        return null;
      case 0x0a: // seek
        this.featuresAt = argument(1);
        registers[0] = 0;
        return null;
      case 0x0c: // length
        registers[0] = argument(0) === FEATURES ? this.features.length : 0;
        return null;
      case 0x18: // exit without a status
        return registers[1] === 0x20026 ? 0 : FAULT;
      case 0x20: // exit
        return argument(1);
      default:
        registers[0] = 0xffffffff;
        return null;
    }
  }

  bytes(address, count) {
    return Buffer.from(Array.from({ length: count }, (_, i) => this.chip.readUint8(address + i)));
  }

  text(address, length) {
    return this.bytes(address, length).toString('latin1');
  }

  readFeatures(address, count) {
    const piece = this.features.subarray(this.featuresAt, this.featuresAt + count);
    piece.forEach((byte, i) => this.chip.writeUint8(address + i, byte));
    this.featuresAt += piece.length;
    return count - piece.length;
  }
}

function run(options) {
  const chip = new RP2040();
  const cache = new FlashCache();
  for (const { address, bytes } of segments(fs.readFileSync(options.firmware))) chip.flash.set(bytes, address - FLASH);
  connectMemory(chip, cache);
  const core = chip.core;
  const semihosting = new Semihosting(chip);
  let status = null;
  chip.onBreak = () => {
    status = semihosting.call();
  };
  core.SP = chip.readUint32(FLASH);
  core.PC = (chip.readUint32(FLASH + 4) & ~1) >>> 0;

  const lines = [];
  const deadline = Date.now() + 1000 * options.seconds;
  let begun = null;
  let executed = 0;
  while (status === null) {
    const opcode = chip.readUint16(core.PC);
    if (opcode === MARKS.end && begun !== null) {
      const spent = [executed - begun.executed, core.cycles - begun.cycles, cache.fetched - begun.fetched];
      lines.push(`region instructions ${spent[0]} cycles ${spent[1]} lines ${spent[2]}`);
      begun = null;
    }
    core.executeInstruction();
    executed++;
    if (opcode === MARKS.begin) begun = { executed, cycles: core.cycles, fetched: cache.fetched };
    if (executed % CHECK_CLOCK_EVERY === 0 && Date.now() > deadline) {
      console.error(`${options.firmware} did not end within ${options.seconds} s`);
      status = TIMED_OUT;
    }
  }
  if (options.counts !== null) fs.writeFileSync(options.counts, [...lines, `total ${executed}`, ''].join('\n'));
  return status;
}

try {
  process.exitCode = run(parseArguments(process.argv.slice(2)));
} catch (error) {
  console.error(`run.js: ${error.message}`);
  process.exitCode = error instanceof StrayAccess ? FAULT : 2;
}
