// The board that runs the sketch: see Arduino.h. The load is put on after a second.

#include "Arduino.h"

#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

void setup();
void loop();
Port Serial;

namespace {

const uint8_t CLOCK = 2, DATA = 3;
const uint32_t SAMPLES_PER_S = 80;

uint64_t micros_now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return uint64_t(now.tv_sec) * 1000000 + now.tv_nsec / 1000;
}

const uint64_t began = micros_now();

// 24 bits of two's complement while the clock is pulsed; the 25th pulse pulls DOUT high again.
struct Chip {
  uint8_t clock = LOW, pulses = 0;
  uint32_t bits = 0, taken = 0;
  int32_t zero = 84000;

  uint32_t made() const { return uint32_t((micros_now() - began) * SAMPLES_PER_S / 1000000); }

  int32_t counts() const {
    const int32_t noise = int32_t(taken * 2654435761u >> 26) - 32;
    return zero + noise + (taken > SAMPLES_PER_S ? 592 * 420 : 0);
  }

  void pulse() {
    if (pulses == 0) {
      if (made() == taken) abort();  // read although nothing was ready
      taken = made();
      bits = uint32_t(counts()) & 0xFFFFFF;
    }
    pulses++;
  }

  int data() {
    if (pulses == 0) return made() > taken ? LOW : HIGH;
    if (pulses <= 24) return bits >> (24 - pulses) & 1 ? HIGH : LOW;
    return HIGH;
  }

  void write(uint8_t level) {
    if (level == HIGH && clock == LOW) pulse();
    if (level == LOW && pulses == 25) pulses = 0;
    clock = level;
  }
} chip;

}  // namespace

void pinMode(uint8_t pin, uint8_t mode) {
  if ((pin == CLOCK) != (mode == OUTPUT)) abort();
}

void digitalWrite(uint8_t pin, uint8_t level) {
  if (pin != CLOCK) abort();
  chip.write(level);
}

int digitalRead(uint8_t pin) {
  if (pin != DATA) abort();
  return chip.data();
}

void delayMicroseconds(unsigned) {}

uint32_t millis() { return uint32_t((micros_now() - began) / 1000); }

void Port::begin(uint32_t) {}

int Port::available() {
  pollfd wait = {STDIN_FILENO, POLLIN, 0};
  return poll(&wait, 1, 0) == 1 && wait.revents & POLLIN;
}

int Port::read() {
  uint8_t byte;
  if (::read(STDIN_FILENO, &byte, 1) != 1) exit(0);
  return byte;
}

size_t Port::write(const uint8_t *data, size_t length) {
  size_t done = 0;
  while (done < length) {
    const ssize_t wrote = ::write(STDOUT_FILENO, data + done, length - done);
    if (wrote < 0) exit(0);  // nobody holds the line any more
    done += size_t(wrote);
  }
  return done;
}

int main(int argc, char **argv) {
  if (argc > 1) chip.zero = atoi(argv[1]);
  setup();
  for (;;) {
    loop();
    usleep(500);
  }
}
