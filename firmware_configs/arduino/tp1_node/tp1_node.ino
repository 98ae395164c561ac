// A load-cell node on an Arduino with an HX711: TP1 lines on the USB port, see ../tp1-serial.md.
//
// Wiring: HX711 VCC to 5V, GND to GND, DT to pin 3, SCK to pin 2. For 80 samples a second its RATE
// pin must be high; a board that ties it low gives 10, and a window of 0.2 s then has two.
// The node tells raw counts: what they weigh is a setting of the edge (load-cell-serial.toml).

#include "tallyport_window.h"

// ---- yours to set ----
#define NODE "shelf-1-a"  // a to z, 0 to 9, dot, dash, underscore; no two nodes with one name
const uint8_t DATA_PIN = 3;
const uint8_t CLOCK_PIN = 2;
const uint8_t RATE_HZ = 5;  // windows a second, 1 to 10
const uint32_t BAUD_RATE = 115200;
// ----------------------

tallyport::Node node(NODE, "HX711", RATE_HZ);
char said[tallyport::LINE_BYTES];

// The converter's next sample; it must be ready. 24 bits, most significant first, and one pulse more
// for channel A with gain 128. A clock that stays high for 60 us switches the converter off, so no
// interrupt may come between.
int32_t sample() {
  uint32_t bits = 0;
  for (uint8_t pulse = 0; pulse < 25; pulse++) {
    noInterrupts();
    digitalWrite(CLOCK_PIN, HIGH);
    delayMicroseconds(1);
    if (pulse < 24) bits = bits << 1 | (digitalRead(DATA_PIN) == HIGH);
    digitalWrite(CLOCK_PIN, LOW);
    interrupts();
    delayMicroseconds(1);
  }
  return bits & 0x800000 ? int32_t(bits) - 0x1000000 : int32_t(bits);
}

void say(size_t length) { Serial.write((const uint8_t *)said, length); }

void setup() {
  pinMode(CLOCK_PIN, OUTPUT);
  pinMode(DATA_PIN, INPUT);
  digitalWrite(CLOCK_PIN, LOW);
  Serial.begin(BAUD_RATE);
  say(node.identity(said, sizeof said));
}

void loop() {
  if (digitalRead(DATA_PIN) == LOW) node.add(sample());  // low: a sample is ready
  while (Serial.available()) say(node.told(char(Serial.read()), said, sizeof said));
  const uint32_t now_ms = millis();
  if (node.due(now_ms)) say(node.line(said, sizeof said, now_ms));
}
