// Numbers and bytes out of a fuzzer's input; zeros when it is used up.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <algorithm>
#include <vector>

namespace bpflab {

class Reader {
 public:
  Reader(const uint8_t* data, size_t size) : at_(data), left_(size) {}

  template <class Number>
  Number Next() {
    Number number = 0;
    const size_t n = std::min(left_, sizeof number);
    memcpy(&number, at_, n);
    Skip(n);
    return number;
  }
  // A number from 0 up to `below`; now and then any at all.
  uint32_t Mostly(uint32_t below) {
    const uint8_t which = Next<uint8_t>();
    return which < 250 ? Next<uint16_t>() % below : Next<uint32_t>();
  }
  // In memory of exactly this size, so that a byte too far is seen.
  std::vector<uint8_t> Bytes(size_t size) {
    std::vector<uint8_t> bytes(size);
    const size_t n = std::min(left_, size);
    if (n) memcpy(bytes.data(), at_, n);
    Skip(n);
    bytes.shrink_to_fit();
    return bytes;
  }
  bool empty() const { return left_ == 0; }

 private:
  void Skip(size_t n) {
    at_ += n;
    left_ -= n;
  }

  const uint8_t* at_;
  size_t left_;
};

}  // namespace bpflab
