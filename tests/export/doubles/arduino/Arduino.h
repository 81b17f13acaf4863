/* What a sketch may call of Arduino, declared by these tests. */
#ifndef ARDUINO_H_
#define ARDUINO_H_

#include <stddef.h>
#include <stdint.h>

unsigned long micros();
void delay(unsigned long milliseconds);

struct SerialPort {
  void begin(unsigned long baud);
  void print(const char *text);
  void print(unsigned long number);
  void println(const char *text);
};
extern SerialPort Serial;

#endif  // ARDUINO_H_
