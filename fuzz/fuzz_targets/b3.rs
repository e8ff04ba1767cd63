#![no_main]
//! See `b3` of the library for what is asserted.

libfuzzer_sys::fuzz_target!(|input: &[u8]| rum_trace_fuzz::b3(input));
