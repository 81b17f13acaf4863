/* Runs a sketch on this computer: setup, then loop until it has waited twice. */
#include <stdio.h>
#include <stdlib.h>

#include "Arduino.h"

void setup();
void loop();

SerialPort Serial;
static unsigned long now;

unsigned long micros() { return now += 10; }
void delay(unsigned long) {
  static int calls;
  if (++calls == 2) exit(0);
}
void SerialPort::begin(unsigned long) {}
void SerialPort::print(const char *text) { printf("%s", text); }
void SerialPort::print(unsigned long number) { printf("%lu", number); }
void SerialPort::println(const char *text) { printf("%s\n", text); }

int main() {
  setup();
  for (;;) loop();
}
