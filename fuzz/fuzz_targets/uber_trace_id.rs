#![no_main]
//! See `uber_trace_id` of the library for what is asserted.

libfuzzer_sys::fuzz_target!(|input: &[u8]| rum_trace_fuzz::uber_trace_id(input));
