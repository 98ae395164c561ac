// As much of an Arduino as the sketch of a node uses, on a computer: the serial port is standard
// input and output, and an HX711 hangs on the pins, bit by bit as the chip does it.

#pragma once

#include <stddef.h>
#include <stdint.h>

enum { LOW = 0, HIGH = 1, INPUT = 0, OUTPUT = 1 };

void pinMode(uint8_t pin, uint8_t mode);
void digitalWrite(uint8_t pin, uint8_t level);
int digitalRead(uint8_t pin);
void delayMicroseconds(unsigned microseconds);
uint32_t millis();
inline void noInterrupts() {}
inline void interrupts() {}

struct Port {
  void begin(uint32_t baud_rate);
  int available();
  int read();
  size_t write(const uint8_t *data, size_t length);
};
extern Port Serial;
