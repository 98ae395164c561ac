// Windows of the node's own code, for comparison: one per line of input, whose numbers are the
// samples. Each becomes a TP1 line and a message. A line "told ..." is a command.

#include "tallyport_window.h"

#include <iostream>
#include <sstream>
#include <string>

int main() {
  tallyport::Node as_line("shelf-7a", "HX711"), as_message("shelf-7a", "HX711");
  char out[tallyport::MESSAGE_BYTES];
  uint64_t now_ms = 0;
  for (std::string input; std::getline(std::cin, input); now_ms += 200) {
    if (input.rfind("told ", 0) == 0) {
      for (const char c : input.substr(5) + "\r\n")
        if (as_line.told(c, out, tallyport::LINE_BYTES)) std::cout << out;
      continue;
    }
    std::istringstream samples(input);
    for (int32_t one; samples >> one;) {
      as_line.add(one);
      as_message.add(one);
    }
    as_line.line(out, tallyport::LINE_BYTES, uint32_t(now_ms));
    std::cout << out;
    as_message.message(out, sizeof out, 0x1f2e3d4c, now_ms);
    std::cout << out << "\n";
  }
}
