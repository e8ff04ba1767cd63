#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod collector;
mod phone;

pub use collector::{Collector, CollectorExporter, SpanView, WaitForSpans};
pub use phone::{Phone, PhoneRequest};
