#![no_main]
//! See `correlation` of the library for what is asserted.

libfuzzer_sys::fuzz_target!(|input: &[u8]| rum_trace_fuzz::correlation(input));
