// A load-cell node without its hardware: samples in, windows out, as a TP1 line (see
// ../tp1-serial.md) or as the JSON message of ../../esphome/README.md. No grams, no zero, no tare.
//
// Whole numbers only: an 8-bit Arduino's double has 24 bits, and so has a sample. A mean is exact to
// a hundredth of a count, and a deviation as good as the board's square root. Nothing is allocated.

#ifndef TALLYPORT_WINDOW_H
#define TALLYPORT_WINDOW_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

namespace tallyport {

const int32_t HIGHEST = 8388607;   // of a converter with 24 bits
const int32_t LOWEST = -8388608;
const uint16_t MOST_SAMPLES = 128; // of a window: more would overflow; they are passed over
const size_t LINE_BYTES = 160;     // enough for every line, and its end
const size_t MESSAGE_BYTES = 256;  // enough for every message

// Text of limited length. What does not fit is left out.
class Text {
 public:
  Text(char *out, size_t size) : out_(out), size_(size), length_(0) { out_[0] = '\0'; }

  size_t length() const { return length_; }

  void add(char c) {
    if (length_ + 1 < size_) {
      out_[length_++] = c;
      out_[length_] = '\0';
    }
  }

  void add(const char *words) {
    while (*words) add(*words++);
  }

  void add_number(uint64_t value) {
    char digits[20];
    uint8_t count = 0;
    do {
      digits[count++] = char('0' + value % 10);
      value /= 10;
    } while (value);
    while (count) add(digits[--count]);
  }

  // A figure in hundredths, like 842113.40.
  void add_hundredths(int64_t value) {
    if (value < 0) add('-');
    const uint64_t size = value < 0 ? uint64_t(-value) : uint64_t(value);
    add_number(size / 100);
    add('.');
    add(char('0' + size / 10 % 10));
    add(char('0' + size % 10));
  }

  void add_hex(uint32_t value, uint8_t digits, char letter) {
    while (digits--) {
      const uint8_t one = value >> 4 * digits & 0xF;
      add(char(one < 10 ? '0' + one : letter + one - 10));
    }
  }

  // CRC-8, polynomial 07, of all so far; then the end of a TP1 line.
  void end_line() {
    uint8_t crc = 0;
    for (size_t at = 0; at < length_; at++) {
      crc ^= uint8_t(out_[at]);
      for (uint8_t bit = 0; bit < 8; bit++) crc = crc & 0x80 ? uint8_t(crc << 1 ^ 0x07) : uint8_t(crc << 1);
    }
    add('*');
    add_hex(crc, 2, 'A');
    add("\r\n");
  }

 private:
  char *out_;
  size_t size_, length_;
};

// Samples of one window. Differences from the first one are small, so their squares fit.
class Window {
 public:
  Window() : n_(0), saturated_(0), first_(0), sum_(0), squares_(0) {}

  void add(int32_t counts) {
    if (n_ == MOST_SAMPLES) return;
    if (n_ == 0) first_ = counts;
    const int64_t off = int64_t(counts) - first_;
    n_++;
    sum_ += off;
    squares_ += off * off;
    if (counts >= HIGHEST || counts <= LOWEST) saturated_++;
  }

  uint16_t n() const { return n_; }
  uint16_t saturated() const { return saturated_; }

  // In hundredths, rounded half away from zero. There must be a sample.
  int64_t mean() const {
    const int64_t hundreds = 100 * (int64_t(first_) * n_ + sum_);
    const int64_t half = n_ / 2;
    return (hundreds + (hundreds < 0 ? -half : half)) / n_;
  }

  // In hundredths. There must be two samples.
  int64_t deviation() const {
    const int64_t spread = n_ * squares_ - sum_ * sum_;
    return int64_t(100 * sqrt(double(spread) / (double(n_) * (n_ - 1))) + 0.5);
  }

 private:
  uint16_t n_, saturated_;
  int32_t first_;
  int64_t sum_, squares_;
};

// The node: counts its windows, and says them. `name` and `chip` must live as long as the node.
class Node {
 public:
  explicit Node(const char *name = "", const char *chip = "", uint8_t rate_hz = 5)
      : name_(name), chip_(chip), rate_hz_(rate_hz), started_(false), seq_(0), due_ms_(0), typed_(0) {}

  void add(int32_t counts) { window_.add(counts); }

  // Whether a window ends now. The first one ends a period after the first question.
  bool due(uint32_t now_ms) {
    if (started_ && int32_t(now_ms - due_ms_) < 0) return false;
    const bool ends = started_;
    started_ = true;
    due_ms_ = now_ms + 1000 / rate_hz_;
    return ends;
  }

  // The window so far as a JSON message, and a new window. `boot` differs from start to start.
  size_t message(char *out, size_t size, uint32_t boot, uint64_t up_ms) {
    Text text(out, size);
    text.add("{\"v\":1,\"node\":\"");
    text.add(name_);
    text.add("\",\"boot\":\"");
    text.add_hex(boot, 8, 'a');
    text.add("\",\"seq\":");
    text.add_number(seq_++);
    text.add(",\"up_ms\":");
    text.add_number(up_ms);
    text.add(",\"n\":");
    text.add_number(window_.n());
    text.add(",\"mean\":");
    figure(text, window_.n() > 0, true, "null");
    text.add(",\"std\":");
    figure(text, window_.n() > 1, false, "null");
    text.add(",\"sat\":");
    text.add_number(window_.saturated());
    text.add('}');
    window_ = Window();
    return text.length();
  }

  // The window so far as a TP1 line, and a new window.
  size_t line(char *out, size_t size, uint32_t up_ms) {
    Text text(out, size);
    text.add("TP1,R,");
    text.add(name_);
    text.add(',');
    text.add_number(seq_++);
    text.add(',');
    text.add_number(up_ms);
    text.add(',');
    text.add_number(window_.n());
    text.add(',');
    figure(text, window_.n() > 0, true, "");
    text.add(',');
    figure(text, window_.n() > 1, false, "");
    text.add(',');
    text.add_number(window_.saturated());
    text.end_line();
    window_ = Window();
    return text.length();
  }

  // The line that says who this is.
  size_t identity(char *out, size_t size) const {
    Text text(out, size);
    text.add("TP1,I,");
    text.add(name_);
    text.add(',');
    text.add(chip_);
    text.add(",1.0,");
    text.add_number(rate_hz_);
    text.end_line();
    return text.length();
  }

  // One byte of a command: the length of the answer, 0 while there is none.
  size_t told(char c, char *out, size_t size) {
    if (c != '\n') {
      if (c != '\r' && typed_ < sizeof command_) command_[typed_++] = c;
      return 0;
    }
    const uint8_t length = typed_;
    typed_ = 0;
    if (length == 0) return 0;
    if (length == 1 && command_[0] == 'I') return identity(out, size);
    if (length >= 3 && length < sizeof command_ && command_[0] == 'R' && command_[1] == ' ')
      return set_rate(length, out, size);
    return refusal("unknown", out, size);
  }

 private:
  void figure(Text &text, bool there, bool mean, const char *nothing) const {
    if (there)
      text.add_hundredths(mean ? window_.mean() : window_.deviation());
    else
      text.add(nothing);
  }

  size_t set_rate(uint8_t length, char *out, size_t size) {
    uint16_t rate = 0;
    for (uint8_t at = 2; at < length; at++) {
      if (command_[at] < '0' || command_[at] > '9') return refusal("unknown", out, size);
      rate = uint16_t(10 * rate + (command_[at] - '0'));
    }
    if (rate < 1 || rate > 10) return refusal("range", out, size);
    rate_hz_ = uint8_t(rate);
    return identity(out, size);
  }

  size_t refusal(const char *why, char *out, size_t size) const {
    Text text(out, size);
    text.add("TP1,E,");
    text.add(why);
    text.end_line();
    return text.length();
  }

  const char *name_, *chip_;
  uint8_t rate_hz_;
  bool started_;
  uint32_t seq_, due_ms_;
  Window window_;
  char command_[6];
  uint8_t typed_;
};

// The one node of a program whose parts cannot hand it to each other, as in ESPHome.
inline Node &the_node(const char *name, const char *chip) {
  static Node node(name, chip);
  return node;
}

}  // namespace tallyport

#endif
